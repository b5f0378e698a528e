"""Counting entries and contacts looks at names alone."""

from __future__ import annotations

from pathlib import Path

from stead.services.calendar import SERVICE


def test_entries_and_contacts_are_counted_per_collection(tmp_path: Path) -> None:
    assert SERVICE.inventory is not None
    root = tmp_path / "calendar/collections/collection-root"
    for folder in ("alice/calendar/.Radicale.cache", "alice/contacts", "bob/calendar"):
        (root / folder).mkdir(parents=True)
    for file in (
        "alice/calendar/a.ics",
        "alice/calendar/b.ics",
        "alice/contacts/c.vcf",
        "alice/calendar/.Radicale.props",
    ):
        (root / file).touch()
    (root / "alice/calendar/.Radicale.cache/x.ics").touch()
    (root / "alice/link").symlink_to("/usr")
    (root / "carol").symlink_to(root / "alice")
    found = SERVICE.inventory(tmp_path, ("alice", "bob", "carol"))
    assert found.totals == {"entries": 2, "contacts": 1}
    assert found.parts == {"alice/calendar": 2, "alice/contacts": 1, "bob/calendar": 0}
