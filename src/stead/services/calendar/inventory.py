"""What the calendar service holds: entries and contacts, per account and collection, by names alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from stead.words.declaration import Inventory

#: Radicale keeps caches and its own notes in names that begin so.
_OWN = ".Radicale"


def count(root: Path, users: tuple[str, ...]) -> Inventory:
    """Count entries (.ics) and contacts (.vcf) of ``users`` in the data tree at ``root``."""
    parts: dict[str, int] = {}
    totals = {"entries": 0, "contacts": 0}
    base = root / "calendar/collections/collection-root"
    for user in users:
        for collection in _folders(base / user):
            entries, contacts = _items(collection.path)
            parts[f"{user}/{collection.name}"] = entries + contacts
            totals["entries"] += entries
            totals["contacts"] += contacts
    return Inventory(totals, parts)


def _items(folder: str) -> tuple[int, int]:
    entries = contacts = 0
    with os.scandir(folder) as found:
        for item in found:
            if item.name.startswith(".") or not item.is_file(follow_symlinks=False):
                continue
            entries += item.name.endswith(".ics")
            contacts += item.name.endswith(".vcf")
    return entries, contacts


def _folders(folder: Path) -> Iterator[os.DirEntry[str]]:
    # The tree belongs to the machine: a link in the place of an account's folder is not followed.
    if folder.is_symlink() or not folder.is_dir():
        return
    with os.scandir(folder) as found:
        for item in sorted(found, key=lambda entry: entry.name):
            if not item.name.startswith(_OWN) and item.is_dir(follow_symlinks=False):
                yield item
