"""One round of telling: look at what is open, decide, send, remember. It works without records, settings or disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stead.alerts import plan, trials
from stead.alerts.deadlines import PlaceProofs, age_of, read_proofs, sights, states
from stead.alerts.judging import SOURCE, judge
from stead.alerts.letter import letter, letter_due, wants_letter
from stead.alerts.memory import Memory
from stead.alerts.message import Message, alarm, trial
from stead.alerts.moment import Moment
from stead.alerts.plan import News
from stead.alerts.sending import Outcome, send
from stead.alerts.state import State, WayState
from stead.alerts.wishes import Wishes
from stead.records import BROKEN, Records, Sent
from stead.words.home import Home
from stead.words.verdict import Finding, Severity

#: Without any memory a message may go out in the first minutes of each half hour only.
_BLIND_EVERY, _BLIND_FOR = 1800.0, 120.0


@dataclass(frozen=True)
class _Facts:
    """What the records say."""

    findings: tuple[Finding, ...]
    proofs: PlaceProofs


def tell(home: Home, wishes: Wishes, now: Moment | None = None) -> tuple[Outcome, ...]:
    """Tell the owner what there is to tell now; what became of each message."""
    now = now or Moment.now()
    memory = Memory(home)
    state = observe(memory, wishes, now)
    if memory.lost and now.steady % _BLIND_EVERY > _BLIND_FOR:
        return ()
    news = {way.name: said for way in wishes.ways if (said := plan.news_for(state, way.name, now))}
    messages = {name: alarm(said, wishes) for name, said in news.items()}
    free = [w.name for w in wishes.ways if w.name not in news and plan.may_try(state.ways.get(w.name, WayState()), now)]
    tried = [name for name in free if trials.due(state, name, now)]
    if tried:
        state = memory.change(lambda before: trials.begun(before, tried))
        messages |= {name: trial(state.trials[name].code, wishes) for name in tried}
    if letter_due(state, now):
        messages |= _letters(home, wishes, state, now, [name for name in free if name not in tried])
    outcomes = send(messages, wishes)
    remember(memory, messages, news, outcomes, now)
    return outcomes


def observe(memory: Memory, wishes: Wishes, now: Moment) -> State:
    """Look at all open findings, keep what they mean, and store the findings about the ways themselves."""
    home = memory.home
    facts, trouble = _read(home, wishes, now)

    def look(state: State) -> State:
        # Without records nothing can be asked, and what was open stays open (see plan.observe).
        known = facts.findings if facts else ()
        seen = sights(state.sights, facts.proofs, wishes, now) if facts else state.sights
        ages = {name: age_of(seen, name, now) for name in seen} if facts else {}
        broken = [_broken(home, trouble)] if trouble else []
        state = replace(state, sights=seen)
        return plan.observe(state, [*known, *judge(state, wishes, now), *broken], ages, wishes, now)

    state = memory.change(look)
    if trouble or memory.trouble:
        trouble = memory.trouble or trouble
        return memory.change(look)
    if facts:
        _store(home, facts, state, wishes, now)
    return state


def _store(home: Home, facts: _Facts, state: State, wishes: Wishes, now: Moment) -> None:
    try:
        with Records(home.records) as records:
            records.set_findings(SOURCE, judge(state, wishes, now), now.time)
            for subject, new, why in states(facts.proofs, state.sights, wishes, now):
                records.set_state(subject, new, why, now.time)
    except BROKEN:
        return


def remember(
    memory: Memory,
    messages: Mapping[str, Message],
    news: Mapping[str, News],
    outcomes: tuple[Outcome, ...],
    now: Moment,
) -> None:
    """Keep what became of messages: in the state, and as rows to look up."""
    if not outcomes:
        return

    def note(state: State) -> State:
        for outcome in outcomes:
            way = state.ways.get(outcome.way, WayState())
            fares = plan.fared(way, good=outcome.good, detail=outcome.detail, now=now)
            state = replace(state, ways={**state.ways, outcome.way: fares})
            if outcome.good:
                state = _went_out(state, outcome.way, messages[outcome.way], news.get(outcome.way), now)
        return state

    memory.change(note)
    rows = [Sent(now.time, o.way, messages[o.way].kind, o.good, o.detail, messages[o.way].about) for o in outcomes]
    try:
        with Records(memory.home.records) as records:
            records.save_sent(rows)
    except BROKEN:
        return


def _went_out(state: State, way: str, message: Message, news: News | None, now: Moment) -> State:
    if news is not None:
        return plan.went_out(state, way, news, now)
    if message.kind == "test":
        return trials.went_out(state, way, now)
    return replace(state, letter=now)


def _read(home: Home, wishes: Wishes, now: Moment) -> tuple[_Facts | None, str | None]:
    """What other rooms found and proved; None and the reason when it cannot be read."""
    try:
        with Records(home.records) as records:
            return _Facts(records.open_findings(besides=SOURCE), read_proofs(records, wishes, now)), None
    except BROKEN as broken:
        return None, str(broken)


def _broken(home: Home, trouble: str) -> Finding:
    what = f"nothing can be recorded any more, so nothing is proven: {trouble}"
    next_step = f"see whether the disk under {home.lib} is full (df -h {home.lib}) or broken (dmesg), and make room"
    return Finding("records-broken", Severity.ALARM, what, "", next_step)


def _letters(home: Home, wishes: Wishes, state: State, now: Moment, free: list[str]) -> dict[str, Message]:
    names = wants_letter(wishes, free)
    return dict.fromkeys(names, letter(home, wishes, state, now)) if names else {}
