"""Everything back, step by step; killed anywhere, the same command goes on."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from stead import backup, live
from stead.kit import places_of
from stead.records import Records
from stead.recovery import state as states
from stead.recovery.belongings import put
from stead.recovery.bringing import bring
from stead.recovery.choosing import Copy, choose
from stead.recovery.summary import Recovered
from stead.rehearsal.known import restic_program
from stead.rehearsal.lock import held
from stead.settings import Settings
from stead.words.home import Home
from stead.words.kit import Kit
from stead.words.progress import Progress
from stead.words.verdict import Verdict


def recover(
    home: Home, kit: Kit, progress: Progress, *, place: str | None = None, snapshot: str | None = None
) -> Recovered:
    """Make this computer the kit's server: programs, data of the newest copy (or the one named), proven and watched.

    UsageError where a server lives already; UnprovenError when no place can be used. Nothing is ever written to the
    copy that is recovered before it came back whole.
    """
    began = time.monotonic()
    with held(home, "recover"):
        state = states.begin(home, kit)
        settings = put(home, kit)
        live.ensure_release(home, progress)
        program = restic_program(home)
        opened = home.run / "recovering"
        with progress.step("looking for the newest copy"):
            copy = choose(kit, opened, program, place=place or state.place, snapshot=snapshot or state.snapshot)
        state = states.save(home, state, place=copy.place.name, snapshot=copy.snapshot.id)
        if not state.switched:
            bring(home, settings, copy, program, progress)
            state = states.save(home, state, switched=True)
        _adopt(home, settings, copy)
        summary = live.up(home, settings, progress)
        for one in places_of(kit, opened):
            one.password_file.unlink()
            if one.credentials_file:
                one.credentials_file.unlink()
        opened.rmdir()
        states.end(home)
    recovered = Recovered(
        place=copy.place.name,
        snapshot=copy.snapshot.id,
        data_at=copy.snapshot.began_at,
        files=copy.snapshot.files,
        size=copy.snapshot.size,
        seconds=round(time.monotonic() - began, 1),
        up=summary,
    )
    _prove(home, kit, recovered)
    return recovered


def _adopt(home: Home, settings: Settings, copy: Copy) -> None:
    """Backups go on where the copy came from, if the settings name that place."""
    wanted = next((p for p in settings.places if (p.name, p.url) == (copy.place.name, copy.place.url)), None)
    if wanted is not None and backup.load_known(home, wanted.name).repository is None:
        kept = backup.place_of(home, wanted.name, wanted.url, credentials_file=wanted.credentials_file)
        backup.adopt(home, kept, restic_program(home), copy.snapshot, home.data)


def _prove(home: Home, kit: Kit, recovered: Recovered) -> None:
    seen = {"kit": kit.id, "place": recovered.place, "snapshot": recovered.snapshot, "release": recovered.up.release}
    with Records(home.records) as records:
        verdict = recovered.up.verdict if recovered.up.probes else Verdict.UNPROVEN
        records.save_proof("recover", verdict, datetime.now(UTC), recovered.seconds, seen)
