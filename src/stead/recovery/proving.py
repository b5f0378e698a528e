"""The full drill: restored to disk, compared and booted with nothing but what a recovery kit made now would hold."""

from __future__ import annotations

import shutil
from pathlib import Path

from stead.backup import Place
from stead.kit import fingerprint, kit_of, places_of
from stead.records import Records
from stead.rehearsal import DrillReport, drill
from stead.rehearsal.known import places
from stead.rehearsal.lock import held
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.kit import Kit
from stead.words.progress import Progress


def full_drill(
    home: Home,
    settings: Settings,
    progress: Progress,
    *,
    place: str | None = None,
    snapshot: str | None = None,
    release: str | None = None,
    age: str | None = None,
    budget: int | None = None,
) -> DrillReport:
    """Drill a place (default: the first) to disk, opened by the kit's secrets alone.

    ``budget``: bytes that may be read of it (None: any number).

    A place that the kit could not open is drilled with what this host keeps, and the proof says so: a restore that
    works is worth knowing, and a kit that could not be made is a finding of its own.
    """
    name = place or places(home, settings)[0].name
    folder = home.run / "full-drill"
    with held(home, "full drill"):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            opened, notes = _opened(home, settings, name, folder)
            return drill(
                home, settings, progress, full=True, place=name, snapshot=snapshot, release=release, age=age,
                opened=opened, notes=notes, budget=budget,
            )  # fmt: skip
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _opened(home: Home, settings: Settings, name: str, folder: Path) -> tuple[Place | None, tuple[str, ...]]:
    try:
        # Through the text that is encrypted: what does not survive it is not in the kit.
        kit = Kit.from_json(kit_of(home, settings).to_json())
        opened = next((one for one in places_of(kit, folder) if one.name == name), None)
    except SteadError as trouble:
        return None, (f"not opened by the kit: {trouble.message}",)
    if opened is None:
        return None, (f"not opened by the kit: it does not hold the place {name}",)
    return opened, held_kit(home, kit)


def held_kit(home: Home, kit: Kit) -> tuple[str, ...]:
    """What the kit in the owner's hands is worth beside the one made now."""
    with Records(home.records) as records:
        confirmed = records.noted("kit-confirmed")
    if confirmed is None:
        return ("the kit that the owner holds was never confirmed",)
    if confirmed.content.get("fingerprint") != fingerprint(kit):
        return ("the kit that the owner holds is out of date: with it, this is not proven",)
    return (f"the confirmed kit {confirmed.content.get('id')} holds the same",)
