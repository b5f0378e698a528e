"""Look at a host and gather the facts for its judgement. Fast: it loads no service and asks no place."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stead import machine
from stead.alerts import Memory
from stead.backup import Kind, busy, kind_of, load_reading, same_disk, this_month, url_without_secrets
from stead.keeper import prepared, running
from stead.keeper.facts import DrillFact, Facts, HalfDone, PlaceFact, ReadingFact, ReleaseFact, TryFact
from stead.keeper.places import place_settings
from stead.keeper.status import StatusReport, judge
from stead.records import Proof, Records
from stead.settings import Medium, PlaceSetting, Settings
from stead.words.age import CLOCKS_DIFFER, OLDER
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.quantities import read_time
from stead.words.verdict import Verdict

#: Source of the judgement's own findings in the records.
SOURCE = "status"
_MEDIA = {Kind.FOLDER: Medium.DISK, Kind.SFTP: Medium.COMPUTER, Kind.REST: Medium.COMPUTER}


def look(home: Home, settings: Settings) -> StatusReport:
    """Gather, judge, and keep since when each finding holds."""
    with Records(home.records) as records:
        facts = gather(home, settings, records, datetime.now(UTC))
        report = judge(facts)
        others = {finding.id for finding in facts.others}
        own = [finding for finding in report.findings if finding.id not in others]
        kept = records.set_findings(SOURCE, own, facts.now)
        # What became worse by waiting is shown so, and not stored so: it is weighed anew each time.
        report = judge(replace(facts, late=Memory(home).load().late))
        records.set_state("sleep", report.sleep.value, report.sentence, facts.now)
        return report.since((*kept, *facts.others))


def gather(home: Home, settings: Settings, records: Records, now: datetime) -> Facts:
    """Everything the judge needs, read once."""
    live = machine.find(home, "live")
    noted = records.noted("endpoints")
    jump = records.noted("clock-jump")
    return Facts(
        now=now,
        host=os.uname().nodename,
        domain=settings.name,
        settings_file=str(home.settings_file),
        goals=settings.goals,
        probe_every=settings.keeper.probe,
        set_up=(home.releases / "current").exists() or live is not None or home.recovering.exists(),
        running=live is not None,
        keeper=running.is_running(home),
        release=_release(home),
        endpoints={name: str(value) for name, value in noted.content.items()} if noted and live else {},
        services=(),
        probes=records.probes(),
        places=places(home, settings, records, now),
        prepared=prepared.measured(records),
        certificate_until=_certificate_until(home.data / "tls" / "server.pem"),
        clock_jumped_at=jump.at if jump else None,
        half_done=tuple(
            HalfDone(act.kind, act.steps[-1].name if act.steps else None, act.begun_at)
            for act in records.unfinished_acts()
        ),
        others=records.open_findings(besides=SOURCE),
        recovering=_recovering(home),
        read_back=settings.keeper.read_back,
    )


def places(home: Home, settings: Settings, records: Records, now: datetime | None = None) -> tuple[PlaceFact, ...]:
    """What the records know of each place. A backup of the future, made while the clock was wrong, does not count:
    it would look fresh until then."""
    until = (now or datetime.now(UTC)) + CLOCKS_DIFFER
    return tuple(
        replace(
            _place(home, wanted, records, until),
            **_limits(home, wanted),
            tried=_tried(records.last_proof("place", wanted.name)),
        )
        for wanted in place_settings(home, settings)
    )


def _limits(home: Home, wanted: PlaceSetting) -> dict[str, Any]:
    """What the settings say of a place beyond its address, and how far the month's bytes are used."""
    used = 0.0
    if wanted.bytes_a_month is not None:
        month = this_month(home, wanted.name)
        used = (month.sent + month.read) / wanted.bytes_a_month
    return {
        "medium": wanted.medium or _MEDIA.get(kind_of(wanted.url), Medium.CLOUD),
        "append_only": wanted.append_only,
        "quiet": wanted.quiet_hours,
        "used_of_month": used,
    }


def _tried(last: Proof | None) -> TryFact | None:
    if last is None:
        return None
    seen = last.evidence
    return TryFact(last.at, last.verdict, seen.get("reason"), seen.get("refused"), seen.get("offsite"))


def _place(home: Home, place: PlaceSetting, records: Records, until: datetime) -> PlaceFact:
    name = place.name
    newest, first = records.newest_snapshot(name, until=until), records.first_snapshot(name)
    last, passed = _last(records, name), _last(records, name, Verdict.PASS)
    alike = records.last_proofs("drill", name, verdict=Verdict.PASS)
    full, full_passed = records.last_proof("drill", name, method="full"), records.noted(f"full-drill {name}")
    older = ((age, records.last_proof("drill", name, age=age)) for age in OLDER)
    last_backup = records.last_proof("backup", name)
    wrong = last_backup is not None and last_backup.verdict is not Verdict.PASS
    return PlaceFact(
        name=name,
        url=url_without_secrets(place.url),
        survives=not same_disk(home, place.url),
        newest_at=newest.data_at if newest else None,
        newest_snapshot=newest.id if newest else None,
        last_drill=_drill(last, alike, records) if last else None,
        last_pass=_drill(passed, alike, records) if passed else None,
        trouble=str(last_backup.evidence.get("reason") or "no reason was given") if last_backup and wrong else None,
        trouble_proven=last_backup is None or last_backup.verdict is Verdict.FAIL,
        older=tuple((age, _drill(proof, (), records)) for age, proof in older if proof),
        last_full=_drill(full, (), records) if full else None,
        full_passed_at=full_passed.at if full_passed else None,
        first_at=first.data_at if first else None,
        reading=_reading(home, name, first.data_at if first else None),
        trouble_next=last_backup.evidence.get("next") if last_backup else None,
        under_way=busy(home, name),
    )


def _last(records: Records, place: str, verdict: Verdict | None = None) -> Proof | None:
    """The last drill of the newest backup; a full one where none was mounted (a host without FUSE)."""
    mounted = records.last_proof("drill", place, verdict=verdict)
    return mounted or records.last_proof("drill", place, method="full", verdict=verdict)


def _reading(home: Home, place: str, first: datetime | None) -> ReadingFact | None:
    """How far a place was read back (None: it was never used)."""
    try:
        state = load_reading(home, place)
    except SteadError as damaged:
        return ReadingFact(first, False, trouble=damaged.message) if first else None
    if state is None:
        return ReadingFact(first, False) if first else None
    damage = tuple(one.what for one in state.damage)
    return ReadingFact(min(at or state.begun_at for at in state.read_at), state.whole, damage, state.trouble)


def _drill(proof: Proof, alike: Sequence[Proof], records: Records) -> DrillFact:
    """A drill as a fact. Its time is that of a release from the place, where one was measured and took longer: that is
    what a new computer would do."""
    seen = proof.evidence
    from_place = next((p for p in alike if p.evidence.get("release_from") == "place"), proof)
    times = [p.evidence.get("recovery_time_seconds") for p in (proof, from_place)]
    known = [float(seconds) for seconds in times if seconds is not None]
    return DrillFact(
        proof=proof.id,
        verdict=proof.verdict,
        at=proof.at,
        time_seconds=max(known) if known else None,
        lag=_lag(proof, records),
        method=str(seen.get("method") or "mounted"),
        reason=seen.get("reason"),
    )


def _lag(proof: Proof, records: Records) -> float | None:
    """How far the stalest marker was behind its snapshot's data."""
    point, place = proof.evidence.get("recovery_point_seconds"), str(proof.evidence.get("place"))
    snapshot = records.snapshot(place, str(proof.evidence.get("snapshot")))
    if point is None or snapshot is None:
        return None
    return max(0.0, float(point) - (proof.at - snapshot.data_at).total_seconds())


def _recovering(home: Home) -> str | None:
    told = home.recovering / "told"
    if not home.recovering.exists():
        return None
    return told.read_text() if told.exists() else "a copy that is being opened"


def _release(home: Home) -> ReleaseFact | None:
    current = home.releases / "current"
    try:
        raw = json.loads((current / "release.json").read_text())
        return ReleaseFact(str(raw["id"]), str(raw["built_at"]), True)
    except (OSError, ValueError, KeyError):
        return None


def _certificate_until(file: Path) -> datetime | None:
    """When the certificate in use ends; it is public, and read without loading a whole cryptography library."""
    try:
        first = file.read_text().partition("-----BEGIN CERTIFICATE-----")[2].partition("-----END")[0]
        return _not_after(base64.b64decode(first))
    except (OSError, ValueError, IndexError):
        return None


def _not_after(der: bytes) -> datetime | None:
    """The second of the two times in the certificate's validity, found by its place (RFC 5280, 4.1)."""
    certificate, _ = _element(der, 0)
    signed, _ = _element(certificate, 0)
    at = 0
    if signed[0] == 0xA0:
        _, at = _element(signed, 0)
    for _field in ("serial number", "signature", "issuer"):
        _, at = _element(signed, at)
    validity, _ = _element(signed, at)
    _, at = _element(validity, 0)
    text = _element(validity, at)[0].decode("ascii")
    century = "" if len(text) == 15 else ("20" if int(text[:2]) < 50 else "19")
    whole = century + text
    return read_time(f"{whole[:4]}-{whole[4:6]}-{whole[6:8]}T{whole[8:10]}:{whole[10:12]}:{whole[12:14]}+00:00")


def _element(der: bytes, at: int) -> tuple[bytes, int]:
    """The content of the DER element that begins at ``at``, and where the next one begins."""
    length, begin = der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, begin = int.from_bytes(der[begin : begin + size], "big"), begin + size
    if begin + length > len(der):
        raise ValueError("cut short")
    return der[begin : begin + length], begin + length
