"""What the keeper writes down: acts with intent and outcome, their troubles as findings, and a small log of its own."""

from __future__ import annotations

from datetime import UTC, datetime

from stead.keeper.children import Child
from stead.keeper.schedule import Act
from stead.records import BROKEN, Records
from stead.words.errors import DONE, SteadError
from stead.words.home import Home
from stead.words.quantities import say_duration, say_time
from stead.words.verdict import Finding, Severity, Verdict

_LOG_LIMIT = 1 << 20
#: An act that fails this often in a row is told to the owner; one slip is not.
_PATIENCE = 3
_SOURCE = "keeper"
#: Acts whose cut-off means that something stays unproven.
_PROVING = ("drill", "backup")
#: Acts whose troubles are findings of their places, with deadlines of their own.
_JUDGED_ELSEWHERE = (*_PROVING, "older", "full", "verify", "probe")


class Journal:
    """Writes records and the log; opens the records for each entry, so a long-lived keeper holds no file open."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._failures: dict[str, int] = {}
        self._troubles: dict[str, Finding] = {}

    def say(self, words: str) -> None:
        """One line in the keeper's log, which is turned over when it is long."""
        file = self.home.logs / "keeper.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > _LOG_LIMIT:
            file.replace(file.with_suffix(".log.1"))
        with file.open("a") as log:
            log.write(f"{say_time(datetime.now(UTC))} {words}\n")

    def try_say(self, words: str) -> None:
        """One line in the log, if it can be written at all."""
        try:
            self.say(words)
        except OSError:
            return

    def begins(self, act: Act) -> int | None:
        """Save that an act is about to begin. None: it cannot be saved, and the act runs all the same."""
        try:
            with Records(self.home.records) as records:
                return records.begin_act(act.name, {"args": list(act.args)})
        except BROKEN:
            if act.vital:
                return None
            raise

    def ended(self, child: Child, code: int, words: str, seconds: float) -> None:
        """Save how an act ended."""
        act, now = child.act, datetime.now(UTC)
        good = code == DONE and not child.overdue
        if child.overdue:
            words = f"it did not end within {say_duration(act.deadline)}. {words}"
        with Records(self.home.records) as records:
            if child.record is not None:
                records.end_act(child.record, "done" if good else "failed", "" if good else f"code {code}: {words}")
            if act.kept:
                records.note(f"ran {act.name}", {"code": code}, now)
            if child.overdue or code < 0:
                self._unproven(records, act, words, seconds, now)
            self._judge(records, act, good, words, now)
        if not good:
            self.say(f"{act.name} ended with code {code} after {say_duration(seconds)}: {words}")

    def cut_off(self, kind: str, number: int) -> None:
        """Save that an act was found half-done after a kill of the keeper; what it left is swept."""
        with Records(self.home.records) as records:
            records.end_act(number, "undone", "it was cut off; what it left is taken away, and it is done again")
        self.say(f"{kind} was cut off; it is done again")

    def age_of(self, act: Act, now: datetime) -> float | None:
        """Seconds since an act last ran, if that is kept; one the owner asked for counts as well."""
        if not act.kept:
            return None
        kind, _, place = act.name.partition("-")
        with Records(self.home.records) as records:
            ran = records.noted(f"ran {act.name}")
            proofs = records.proofs(kind, limit=100) if kind in _PROVING else ()
            passed = records.noted(f"full-drill {place}") if kind == "full" else None
        if kind == "full":
            # One that did not pass is made again soon.
            return (now - passed.at).total_seconds() if passed else None
        proofs = tuple(p for p in proofs if p.evidence.get("age", "newest") == "newest")
        moments = [proof.at for proof in proofs if not place or proof.evidence.get("place") == place]
        moments += [ran.at] if ran else []
        return (now - max(moments)).total_seconds() if moments else None

    def clock_jumped(self, seconds: float) -> None:
        """Save that the wall clock jumped."""
        with Records(self.home.records) as records:
            records.note("clock-jump", {"seconds": seconds}, datetime.now(UTC))
        self.say(f"the computer's clock jumped by {seconds:.0f} s")

    def settings_mistake(self, words: str | None) -> None:
        """Say that the settings cannot be used (None: they can)."""
        if words is None and "settings-mistake" not in self._troubles:
            return
        what = f"the settings have a mistake, so the keeper goes on with those it had: {words}"
        with Records(self.home.records) as records:
            self._set(records, "settings-mistake", what if words else None, "correct the file it names", Severity.ALARM)

    def _unproven(self, records: Records, act: Act, words: str, seconds: float, now: datetime) -> None:
        kind, _, place = act.name.partition("-")
        if kind in (*_PROVING, "full"):
            seen = {"place": place or None, "reason": words, "method": "full" if kind == "full" else "mounted"}
            records.save_proof("drill" if kind == "full" else kind, Verdict.UNPROVEN, now, seconds, seen)

    def _judge(self, records: Records, act: Act, good: bool, words: str, now: datetime) -> None:
        self._failures[act.name] = 0 if good else self._failures.get(act.name, 0) + 1
        told = self._failures[act.name] >= _PATIENCE and not act.name.startswith(_JUDGED_ELSEWHERE)
        what = f"the keeper's {act.name} failed {self._failures[act.name]} times in a row: {words}" if told else None
        self._set(records, f"act-failing:{act.name}", what, "see stead logs and stead doctor", Severity.WARNING)

    def _set(self, records: Records, key: str, what: str | None, next_step: str, severity: Severity) -> None:
        """Open or close one of the keeper's findings."""
        before = dict(self._troubles)
        if what is None:
            self._troubles.pop(key, None)
        else:
            self._troubles[key] = Finding(key, severity, what, "", next_step)
        if self._troubles != before:
            try:
                records.set_findings(_SOURCE, self._troubles.values(), datetime.now(UTC))
            except SteadError as trouble:
                self.say(trouble.message)
