"""Adding, trying and removing a place: what the backup room does, with the settings written and the result kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from stead import backup as copies
from stead.backup.trying import SIZE, Tried, try_place
from stead.backup.where import offsite
from stead.records import Records
from stead.rehearsal.known import restic_program
from stead.settings import PlaceSetting, Settings, add_place, remove_place
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home
from stead.words.progress import Progress
from stead.words.verdict import Verdict, verdict_of

#: The keeper tries the deletion again after this many seconds.
MONTH = 30 * 86400.0


@dataclass(frozen=True)
class Trial:
    """How a try of a place ended; ``tried`` is None when it broke off, ``offsite`` None when it cannot be known."""

    place: str
    verdict: Verdict
    reason: str | None
    next: str | None
    offsite: bool | None
    tried: Tried | None

    @property
    def evidence(self) -> dict[str, object]:
        """As it is stored, and shown as JSON."""
        seen = {} if self.tried is None else asdict(self.tried)
        return {**seen, "place": self.place, "reason": self.reason, "next": self.next, "offsite": self.offsite}


def try_now(home: Home, wanted: PlaceSetting, progress: Progress, *, size: int = SIZE) -> Trial:
    """Try a place really and store the proof; a place that fails is the trial's verdict, not an error."""
    began = time.monotonic()
    trial = _try(home, wanted, progress, size)
    with Records(home.records) as records:
        now = datetime.now(UTC)
        records.save_proof("place", trial.verdict, now, time.monotonic() - began, trial.evidence)
    return trial


def add(
    home: Home, name: str, values: Mapping[str, str | bool], progress: Progress
) -> tuple[Trial, Settings | None, bool]:
    """Try a new place, and write it into the settings if it works (None: it does not); and whether it was made now.

    That it lets nothing be deleted is written down as found.
    """
    planned = add_place(home, name, values, write=False)
    wanted = next(place for place in planned.places if place.name == name)
    program = restic_program(home)
    place, made = copies.ensure_place(
        home, name, wanted.url, program, credentials_file=wanted.credentials_file,
        limits=copies.Limits(wanted.upload_limit, wanted.download_limit),
    )  # fmt: skip
    trial = try_now(home, wanted, progress)
    if trial.verdict is not Verdict.PASS:
        return trial, None, made
    refuses = trial.tried is not None and trial.tried.refused and place.kind is not copies.Kind.S3
    written = {**values, "append_only": True} if refuses else values
    return trial, add_place(home, name, written), made


def remove(home: Home, settings: Settings, name: str, *, sure: bool) -> PlaceSetting:
    """Take a place out of the settings; nothing at the place is touched. The last that survives needs ``sure``."""
    gone = next((place for place in settings.places if place.name == name), None)
    if gone is None:
        raise UsageError(f"there is no place {name} in {home.settings_file}", hint="stead place list shows them")
    others = [place for place in settings.places if place.name != name and not copies.same_disk(home, place.url)]
    if not others and not copies.same_disk(home, gone.url) and not sure:
        raise UsageError(
            f"{name} is the last place that survives this computer",
            hint=f"add another one first, or, if you mean it: stead place remove {name} --yes",
        )
    remove_place(home, name)
    return gone


def due(home: Home, places: tuple[PlaceSetting, ...], now: datetime) -> tuple[PlaceSetting, ...]:
    """The places whose last try is a month old, or that were never tried, and that may be tried now."""
    with Records(home.records) as records:
        last: dict[str, datetime] = {}
        for proof in records.proofs("place", limit=500):
            last.setdefault(str(proof.evidence.get("place")), proof.at)
    ready = [place for place in places if not copies.resting(place, now.astimezone())]
    return tuple(p for p in ready if p.name not in last or (now - last[p.name]).total_seconds() > MONTH)


def _try(home: Home, wanted: PlaceSetting, progress: Progress, size: int) -> Trial:
    place = copies.place_from(home, wanted)
    try:
        tried = try_place(home, place, restic_program(home), progress, size=size)
    except SteadError as trouble:
        verdict = verdict_of(trouble)
        return Trial(wanted.name, verdict, trouble.message, trouble.hint, None, None)
    return Trial(wanted.name, Verdict.PASS, None, None, offsite(place), tried)


def how_to_delete(wanted: PlaceSetting) -> str:
    """What lies at a place still, and how its owner gets rid of it."""
    address, kind = copies.url_without_secrets(wanted.url), copies.kind_of(wanted.url)
    ways = {
        copies.Kind.FOLDER: f"rm -r {Path(address.removeprefix('local:'))}",
        copies.Kind.SFTP: "log in there and remove the folder",
        copies.Kind.REST: "remove its folder on the server that keeps it",
        copies.Kind.S3: "remove the bucket, or what is under the prefix, in your provider's console",
    }
    return (
        f"the copies in {address} are still there, encrypted. To delete them: {ways.get(kind, 'as its provider says')}"
    )
