"""What to tell whom, decided purely: facts and a moment in, a new state or a plan out.

An alarm is told at once, again after half an hour, two hours, eight hours, then daily, until it is acknowledged or
over. Its end is told once, when it has stayed away for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stead.alerts.ageing import aged, is_alarm
from stead.alerts.moment import Moment
from stead.alerts.state import Alert, State, Told, WayState
from stead.alerts.wishes import Wishes
from stead.words.verdict import Finding

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
#: Seconds to the next telling after the first, the second ...; the last one stands for all later ones.
_REPEATS = (30 * _MINUTE, 2 * _HOUR, 8 * _HOUR, _DAY)
#: Two messages on a way are at least this far apart: what happens meanwhile is told together.
_GAP = 2 * _MINUTE
#: An alarm is over when it has stayed away for this long (one that came back before: longer), and forgotten when it
#: then stayed away for a while more.
_SETTLED, _SETTLED_AGAIN, _FORGOTTEN, _GIVEN_UP = 5 * _MINUTE, 45 * _MINUTE, _HOUR, 7 * _DAY
#: After one, two ... failures in a row a way is tried again this much later.
_RETRIES = (_MINUTE, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE)
#: A computer that has just started is given time to do what it missed.
_STARTING = 5 * _MINUTE
#: While one of these holds, nothing else can be asked again, so nothing else is over.
_BLIND = frozenset({"server-down", "not-set-up", "recovering", "records-broken"})
_INF = float("inf")


@dataclass(frozen=True)
class News:
    """What one message on one way says: alarms for the first time, alarms again, and alarms that are over.
    ``standing``: how many are open besides, which is all that is said of them."""

    first: tuple[Alert, ...] = ()
    again: tuple[Alert, ...] = ()
    over: tuple[Alert, ...] = ()
    standing: int = 0


def observe(state: State, found: Iterable[Finding], ages: Mapping[str, float], wishes: Wishes, now: Moment) -> State:
    """The state after a look at all open findings; ``ages`` of the last good ones, by ``KIND PLACE``."""
    findings = {finding.id: finding for finding in found}
    seen = {key: state.seen.get(key) or now for key in findings}
    # Across a reboot with a clock set back nobody knows how long: it is counted anew.
    seen = {key: now if now.since(at, unknown=-1.0) < 0 else at for key, at in seen.items()}
    held = {key: now.since(at, unknown=0.0) for key, at in seen.items()}
    weighed = {key: aged(finding, held[key], ages, wishes) for key, finding in findings.items()}
    alerts = {
        key: _observed(alert, weighed.get(key), now, blind=not _BLIND.isdisjoint(findings))
        for key, alert in state.alerts.items()
    }
    for key, finding in weighed.items():
        if key not in alerts and is_alarm(finding, held[key]) and now.steady >= _STARTING:
            alerts[key] = Alert(key, finding.what, finding.next, finding.since or str(now), seen[key])
    kept = {key: alert for key, alert in alerts.items() if not _forgotten(alert, wishes, now)}
    late = {key: one.what for key, one in weighed.items() if one.severity is not findings[key].severity}
    return replace(state, alerts=kept, seen=seen, late=late, letter=state.letter or now)


def _observed(alert: Alert, finding: Finding | None, now: Moment, *, blind: bool) -> Alert:
    if finding is None:
        return alert if blind else replace(alert, gone=alert.gone or now)
    alert = replace(alert, what=finding.what, next=finding.next)
    if alert.gone is None:
        return alert
    if any(told.over for told in alert.told.values()):
        # It was said to be over, and is back: told again soon, and the owner's word counts no more.
        told = {way: replace(told, times=1, over=None) for way, told in alert.told.items()}
        since, returns = finding.since or alert.since, alert.returns + 1
        return replace(alert, gone=None, acknowledged=None, told=told, since=since, returns=returns)
    return replace(alert, gone=None)


def _forgotten(alert: Alert, wishes: Wishes, now: Moment) -> bool:
    if alert.gone is None:
        return False
    away = now.since(alert.gone, unknown=_INF)
    waiting = any(told.over is None for way, told in alert.told.items() if way in _names(wishes))
    return away > (_GIVEN_UP if waiting else _settled(alert) + _FORGOTTEN if alert.told else _settled(alert))


def _settled(alert: Alert) -> float:
    return _SETTLED_AGAIN if alert.returns else _SETTLED


def _names(wishes: Wishes) -> set[str]:
    return {way.name for way in wishes.ways}


def may_try(way: WayState, now: Moment) -> bool:
    """Whether a way may be used now: not too soon after its last message, nor after its last failure."""
    if way.failures and way.tried is not None:
        wait = _RETRIES[min(way.failures, len(_RETRIES)) - 1]
        return now.since(way.tried, unknown=_INF) >= wait
    return way.last is None or now.since(way.last, unknown=_INF) >= _GAP


def news_for(state: State, way: str, now: Moment) -> News | None:
    """What there is to say on a way now; None: nothing."""
    if not may_try(state.ways.get(way, WayState()), now):
        return None
    standing = [alert for alert in state.alerts.values() if alert.gone is None and alert.acknowledged is None]
    first = tuple(alert for alert in standing if way not in alert.told)
    again = tuple(alert for alert in standing if way in alert.told)
    over = tuple(alert for alert in state.alerts.values() if _over_now(alert, way, now))
    if first or any(_repeats(alert.told[way], now) for alert in again):
        return News(first, again, over)
    return News(over=over, standing=len(again)) if over else None


def _repeats(told: Told, now: Moment) -> bool:
    wait = _REPEATS[min(told.times, len(_REPEATS)) - 1]
    return now.since(told.at, unknown=_INF) >= wait


def _over_now(alert: Alert, way: str, now: Moment) -> bool:
    told = alert.told.get(way)
    settled = alert.gone is not None and now.since(alert.gone, unknown=_INF) >= _settled(alert)
    return settled and told is not None and told.over is None


def went_out(state: State, way: str, news: News, now: Moment) -> State:
    """The state after a message went out on a way."""
    alerts = dict(state.alerts)
    for alert in (*news.first, *news.again):
        if current := alerts.get(alert.id):
            times = current.told[way].times + 1 if way in current.told else 1
            alerts[alert.id] = replace(current, told={**current.told, way: Told(now, times)})
    for alert in news.over:
        current = alerts.get(alert.id)
        if current and way in current.told and current.gone is not None:
            told = replace(current.told[way], over=now)
            alerts[alert.id] = replace(current, told={**current.told, way: told})
    return replace(state, alerts=alerts)


def fared(way: WayState, *, good: bool, detail: str, now: Moment) -> WayState:
    """How a way fares after a try."""
    if good:
        return WayState(last=now, tried=now, detail=detail)
    return replace(way, tried=now, failures=way.failures + 1, failing=way.failing or now, detail=detail)


def acknowledge(state: State, ids: Mapping[str, str]) -> State:
    """The owner knows of these: id to when they said so."""
    alerts = {
        key: replace(alert, acknowledged=alert.acknowledged or ids.get(key)) for key, alert in state.alerts.items()
    }
    return replace(state, alerts=alerts)
