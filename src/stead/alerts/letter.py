"""The weekly letter: what was proven in the last seven days, what was not, and what is open. Plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from stead.alerts.message import Message, titled
from stead.alerts.moment import Moment
from stead.alerts.state import State
from stead.alerts.wishes import Wishes
from stead.records import BROKEN, Proof, Records, Sent
from stead.words.home import Home
from stead.words.quantities import say_duration, say_size, say_time
from stead.words.verdict import Finding, Severity, Verdict

_WEEK = timedelta(days=7)
_PROOFS = 5000


def letter_due(state: State, now: Moment) -> bool:
    """Whether a week has passed since the last one."""
    return state.letter is not None and now.since(state.letter, unknown=0.0) > _WEEK.total_seconds()


def wants_letter(wishes: Wishes, free: Sequence[str]) -> list[str]:
    """Which of these ways get it: those that carry mail, and all where none does."""
    mail = [way.name for way in wishes.ways if way.url.startswith("mailto")]
    return [name for name in free if name in mail or not mail]


def letter(home: Home, wishes: Wishes, state: State, now: Moment) -> Message:
    """The letter of the week that ends now."""
    since = now.time - _WEEK
    try:
        with Records(home.records) as records:
            parts = list(_parts(records, wishes, state, since, now))
    except BROKEN as broken:
        parts = [f"The records cannot be read, so nothing can be said to be proven: {broken}"]
    head = f"What was proven about {wishes.domain} from {say_time(since)[:10]} to {say_time(now.time)[:10]}."
    foot = f"This letter comes once a week from the computer {wishes.host}. When it stays away, ask why."
    return Message("letter", titled(wishes, "the week's letter"), "\n\n".join([head, *parts, foot]))


def _parts(records: Records, wishes: Wishes, state: State, since: datetime, now: Moment) -> Iterator[str]:
    for place in wishes.places:
        yield "\n".join(_place(records, place, since, now))
    yield _findings(records.open_findings(), state)
    week = [sent for sent in records.sent(limit=1000) if sent.at >= since]
    yield _told(week)
    yield _trials(state, wishes)


def _place(records: Records, place: str, since: datetime, now: Moment) -> Iterator[str]:
    yield f"The place {place}"
    drills, backups = (_week(records.proofs(kind, limit=_PROOFS), place, since) for kind in ("drill", "backup"))
    snapshots = [snapshot for snapshot in records.snapshots(place) if snapshot.data_at >= since]
    yield f"  backups: {_counted(backups)}"
    newest = records.newest_snapshot(place)
    if newest:
        size = newest.detail.get("size")
        about = f", {say_size(int(size))}" if isinstance(size, int | float) else ""
        longest = _longest_gap([snapshot.data_at for snapshot in snapshots], since, now.time)
        yield f"  newest backup: {say_time(newest.data_at)}{about}; longest time without one: {say_duration(longest)}"
    else:
        yield "  newest backup: none"
    yield f"  drills: {_counted(drills)}"
    passed = [proof for proof in drills if proof.verdict is Verdict.PASS]
    if passed:
        yield f"  last passed: {say_time(passed[0].at)}, so it was possible to lose at most"
        points = [p for proof in passed if (p := proof.evidence.get("recovery_point_seconds")) is not None]
        times = [t for proof in passed if (t := proof.evidence.get("recovery_time_seconds")) is not None]
        yield f"    {_worst(points)} of data, and be up and proven within {_worst(times)}, as measured at the worst"


def _worst(measured: Iterable[float]) -> str:
    found = list(measured)
    return say_duration(max(found)) if found else "(not measured)"


def _week(proofs: Iterable[Proof], place: str, since: datetime) -> list[Proof]:
    return [proof for proof in proofs if proof.at >= since and proof.evidence.get("place") == place]


def _counted(proofs: Sequence[Proof]) -> str:
    counts = {verdict: sum(proof.verdict is verdict for proof in proofs) for verdict in Verdict}
    return (
        f"{counts[Verdict.PASS]} good, {counts[Verdict.FAIL]} failed, "
        f"{counts[Verdict.UNPROVEN]} could not be made or proved nothing"
    )


def _longest_gap(moments: Iterable[datetime], since: datetime, until: datetime) -> float:
    stops = sorted([since, *moments, until])
    return max((later - earlier).total_seconds() for earlier, later in pairwise(stops))


def _findings(found: Sequence[Finding], state: State) -> str:
    if not found:
        return "Nothing is open."
    order = list(Severity)
    lines = ["Open now"]
    for finding in sorted(found, key=lambda one: order.index(one.severity)):
        alert = state.alerts.get(finding.id)
        known = " (you know of it)" if alert and alert.acknowledged else ""
        lines += [f"  {finding.severity.value}: {finding.what}{known}", f"    next: {finding.next}"]
    return "\n".join(lines)


def _told(week: Sequence[Sent]) -> str:
    if not week:
        return "Messages: none."
    ways = dict.fromkeys(sent.way for sent in reversed(week))
    lines = ["Messages"]
    for way in ways:
        good = sum(sent.good for sent in week if sent.way == way)
        bad = sum(not sent.good for sent in week if sent.way == way)
        lines.append(f"  {way}: {good} went out" + (f", {bad} did not" if bad else ""))
    return "\n".join(lines)


def _trials(state: State, wishes: Wishes) -> str:
    waiting = [way.name for way in wishes.ways if (t := state.trials.get(way.name)) and t.waiting]
    if waiting:
        return f"Nobody has said yet that the test arrived: {', '.join(waiting)}. Say so: stead alerts ack CODE"
    return "Every way was tested and its test was seen." if state.trials else "No way was tested yet."
