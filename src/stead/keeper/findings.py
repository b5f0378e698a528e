"""From facts to findings: one small function for each thing that can be wrong, silent when it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from stead.keeper.copies import digits
from stead.keeper.deadlines import deadlines
from stead.keeper.facts import Facts, PlaceFact
from stead.words.quantities import say_duration, say_time
from stead.words.verdict import Finding, Severity, Verdict

_DAY = 86400.0
#: Of a month's bytes.
_NEAR = 0.8
#: Results of probes older than this say nothing about now.
PROBES_STALE = 15 * 60.0
_CERTIFICATE_WARNING, _CERTIFICATE_ALARM = 14 * _DAY, 3 * _DAY

Found = Iterator[Finding]


def findings(facts: Facts) -> tuple[Finding, ...]:
    """All findings, alarms first."""
    if not facts.set_up:
        return (*_not_set_up(facts), *facts.others)
    found = [*(finding for look in _LOOKS for finding in look(facts)), *facts.others]
    weighed = [
        replace(finding, severity=Severity.ALARM, what=facts.late[finding.id]) if finding.id in facts.late else finding
        for finding in found
    ]
    order = list(Severity)
    return tuple(sorted(weighed, key=lambda finding: order.index(finding.severity)))


def _make(key: str, severity: Severity, what: str, next_step: str) -> Finding:
    return Finding(key, severity, what, "", next_step)


def _not_set_up(facts: Facts) -> Found:
    yield _make("not-set-up", Severity.ALARM, "there is no server here yet", "make one: stead up")


def _server(facts: Facts) -> Found:
    if not facts.running:
        yield _make("server-down", Severity.ALARM, "the server is not running", "start it: stead up")


def _keeper(facts: Facts) -> Found:
    if not facts.keeper:
        yield _make(
            "keeper-stopped",
            Severity.ALARM,
            "the keeper is not running, so nothing is backed up, proven or watched",
            "start it: stead up",
        )


def _probes(facts: Facts) -> Found:
    if not facts.running:
        return
    for checked in facts.probes:
        probe = checked.result
        if probe.verdict is Verdict.FAIL:
            yield _make(
                f"probe-failing:{probe.service}/{probe.name}",
                Severity.ALARM,
                f"{probe.service}: {probe.name!r} fails: {probe.detail}",
                f"look at stead logs --service {probe.service}, then stead restart",
            )
    oldest = min((checked.checked_at for checked in facts.probes), default=None)
    if oldest is None or facts.age(oldest) > max(PROBES_STALE, 2 * facts.probe_every):
        since = "never" if oldest is None else f"for {say_duration(facts.age(oldest))} not"
        yield _make("probes-old", Severity.WARNING, f"the services were {since} probed", "probe them now: stead probe")


def _recovering(facts: Facts) -> Found:
    if facts.recovering is not None:
        yield _make(
            "recovering",
            Severity.WARNING,
            f"the server runs on {facts.recovering}; until all of it is here, nothing is backed up",
            "wait: it goes on by itself, also after a reboot",
        )


def _places(facts: Facts) -> Found:
    if facts.recovering is not None:
        return
    if facts.places and not any(place.survives for place in facts.places):
        yield _make(
            "same-disk-only",
            Severity.WARNING,
            "the only backup is on this computer's own disk",
            "add a place that survives it: stead place add",
        )
    for place in facts.places:
        yield from _backup(facts, place)
        yield from _drill(facts, place)
        yield from _tried(facts, place)
        yield from deadlines(facts, place)


def _backup(facts: Facts, place: PlaceFact) -> Found:
    goal = facts.goals.lose_at_most
    if place.trouble:
        yield _make(
            f"backup-failing:{place.name}",
            Severity.ALARM if place.trouble_proven else Severity.WARNING,
            f"the last backup to {place.name} {'failed' if place.trouble_proven else 'could not be made'}: "
            f"{place.trouble}",
            f"{place.trouble_next or 'correct the cause'}; then: stead backup run --place {place.name}",
        )
    wait = "it is being written to just now, which may take long: look again later" if place.under_way else None
    if place.newest_at is None:
        what = f"the place {place.name} has no backup yet"
        yield _make(f"backup-old:{place.name}", Severity.WARNING, what, wait or "make one: stead backup run")
    elif (age := facts.wake(place, place.newest_at)) > goal:
        yield _make(
            f"backup-old:{place.name}",
            Severity.ALARM if age > 2 * goal else Severity.WARNING,
            f"the newest backup in {place.name} is {say_duration(age)} old, the goal is {say_duration(goal)}",
            wait or "make one now and see why none was made: stead backup run",
        )


def _tried(facts: Facts, place: PlaceFact) -> Found:
    tried, again = place.tried, f"stead place test {place.name}"
    if tried is not None and tried.verdict is not Verdict.PASS:
        bad = tried.verdict is Verdict.FAIL
        what = f"trying the place {place.name} {'failed' if bad else 'did not work'}: {tried.reason}"
        yield _make(f"place-try:{place.name}", Severity.ALARM if bad else Severity.WARNING, what, again)
    elif tried is not None and place.append_only and tried.refused is False:
        what = f"the place {place.name} is to let nothing be deleted, and a deletion worked there"
        step = f"put its server back to append-only, or take append_only out of {facts.settings_file}; then: {again}"
        yield _make(f"place-deletes:{place.name}", Severity.ALARM, what, step)
    if place.used_of_month >= _NEAR:
        full = place.used_of_month >= 1
        what = f"{place.used_of_month:.0%} of what may go to the place {place.name} this month has gone there"
        step = "nothing more is backed up there until the next month; " if full else ""
        yield _make(
            f"place-month:{place.name}",
            Severity.ALARM if full else Severity.WARNING,
            what,
            f"{step}raise its bytes_a_month in {facts.settings_file}, or wait",
        )


def _copies(facts: Facts) -> Found:
    for digit in digits(facts):
        if not digit.holds:
            yield _make(f"copies-{digit.name}", Severity.NOTE, digit.missing, digit.next)


def _drill(facts: Facts, place: PlaceFact) -> Found:
    last, now = place.last_drill, f"drill it now: stead drill --place {place.name}"
    if last is None:
        yield _make(f"drill-missing:{place.name}", Severity.WARNING, f"no drill of {place.name} was ever made", now)
    elif last.verdict is Verdict.FAIL:
        what = f"the last drill of {place.name} failed: {last.reason or 'no reason was given'}"
        yield _make(f"drill-failed:{place.name}", Severity.ALARM, what, f"correct the cause, then {now}")
    elif last.verdict is Verdict.UNPROVEN:
        what = f"the last drill of {place.name} could not be made: {last.reason or 'no reason was given'}"
        yield _make(f"drill-unproven:{place.name}", Severity.WARNING, what, f"correct the cause, then {now}")
    elif not facts.proven(place):
        what = f"the last drill of {place.name} was {say_duration(facts.age(last.at))} ago"
        yield _make(f"drill-old:{place.name}", Severity.WARNING, what, now)


def _prepared(facts: Facts) -> Found:
    if facts.prepared is None:
        yield _make(
            "prepare-unmeasured",
            Severity.NOTE,
            "how long an empty computer needs to get the program and its packages was never measured here",
            "run stead up from a fresh copy of the program on an empty computer once",
        )


def _certificate(facts: Facts) -> Found:
    if facts.certificate_until is None:
        return
    left = (facts.certificate_until - facts.now).total_seconds()
    if left < _CERTIFICATE_WARNING:
        words = f"ends in {say_duration(left)}" if left > 0 else f"ended on {say_time(facts.certificate_until)}"
        yield _make(
            "certificate-ending",
            Severity.ALARM if left < _CERTIFICATE_ALARM else Severity.WARNING,
            f"the server's certificate {words} and was not renewed",
            "see why: stead logs --service stead-acme, and stead doctor for the domain's names",
        )


def _clock(facts: Facts) -> Found:
    if facts.clock_jumped_at is None:
        return
    passes = [place.last_pass.at for place in facts.places if place.last_pass]
    if not passes or max(passes) <= facts.clock_jumped_at:
        yield _make(
            "clock-jump",
            Severity.WARNING,
            f"the computer's clock jumped at {say_time(facts.clock_jumped_at)}, so ages shown may be wrong",
            "see that the clock is synchronised (stead doctor); the next passed drill clears this",
        )


def _half_done(facts: Facts) -> Found:
    for act in facts.half_done:
        yield _make(
            f"half-done:{act.kind}",
            Severity.WARNING,
            f"a {act.kind} begun at {say_time(act.begun_at)} was cut off" + (f" while: {act.step}" if act.step else ""),
            "the keeper clears it; if it stays: stead restart",
        )


_LOOKS: tuple[Callable[[Facts], Found], ...] = (
    _server,
    _keeper,
    _probes,
    _recovering,
    _places,
    _copies,
    _prepared,
    _certificate,
    _clock,
    _half_done,
)
