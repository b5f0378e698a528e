"""What is remembered between two rounds: which alarm was told on which way, tests, and how each way fares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from stead.alerts.moment import Moment


@dataclass(frozen=True)
class Told:
    """An alarm as told on one way: when last, how often, and whether its end was told, too."""

    at: Moment
    times: int
    over: Moment | None = None


@dataclass(frozen=True)
class Alert:
    """An alarm the owner is told of. ``since`` is the finding's; ``gone``: it was asked again and found well then.
    ``returns``: how often it came back after its end was told. ``acknowledged``: when the owner said that they know
    (RFC 3339)."""

    id: str
    what: str
    next: str
    since: str
    seen: Moment
    gone: Moment | None = None
    returns: int = 0
    acknowledged: str | None = None
    told: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True)
class WayState:
    """How a way fares: the last message that went out, and since when it fails (None: it does not)."""

    last: Moment | None = None
    tried: Moment | None = None
    failures: int = 0
    failing: Moment | None = None
    detail: str = ""


@dataclass(frozen=True)
class Trial:
    """The last self-test of a way: when it went out (None: not yet), and since when one waits to be acknowledged."""

    code: str
    at: Moment | None = None
    waiting: Moment | None = None


@dataclass(frozen=True)
class Sight:
    """A dated thing in the records, such as a proof, as first seen: so many seconds old at that moment."""

    key: str
    seen: Moment
    age: float


@dataclass(frozen=True)
class State:
    """Everything remembered. ``number`` grows with each change, so the newer of two copies is known. ``seen``: since
    when each open finding is there; ``sights``: newest proofs and backups by place; ``feeding``: the dead man's
    switch as a way."""

    number: int = 0
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    seen: Mapping[str, Moment] = field(default_factory=dict)
    late: Mapping[str, str] = field(default_factory=dict)
    ways: Mapping[str, WayState] = field(default_factory=dict)
    trials: Mapping[str, Trial] = field(default_factory=dict)
    sights: Mapping[str, Sight] = field(default_factory=dict)
    letter: Moment | None = None
    feeding: WayState = WayState()

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> State:
        """As it was stored; KeyError, TypeError or AttributeError when it is something else."""
        return cls(
            number=int(raw["number"]),
            alerts={key: _alert(one) for key, one in raw["alerts"].items()},
            seen={key: Moment(**one) for key, one in raw["seen"].items()},
            late=dict(raw["late"]),
            ways={key: _way(one) for key, one in raw["ways"].items()},
            trials={key: _moments(Trial, one, "at", "waiting") for key, one in raw["trials"].items()},
            sights={key: _moments(Sight, one, "seen") for key, one in raw["sights"].items()},
            letter=_moment(raw["letter"]),
            feeding=_way(raw["feeding"]),
        )


def _alert(raw: Mapping[str, Any]) -> Alert:
    told = {way: _moments(Told, one, "at", "over") for way, one in raw["told"].items()}
    alert: Alert = _moments(Alert, {**raw, "told": told}, "seen", "gone")
    return alert


def _way(raw: Mapping[str, Any]) -> WayState:
    way: WayState = _moments(WayState, raw, "last", "tried", "failing")
    return way


def _moments(kind: Any, raw: Mapping[str, Any], *names: str) -> Any:
    """A noun whose fields of these names are moments."""
    return kind(**{**raw, **{name: _moment(raw[name]) for name in names}})


def _moment(raw: Mapping[str, Any] | None) -> Moment | None:
    return Moment(**raw) if raw else None
