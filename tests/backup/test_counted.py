"""The judgement of pruning and reading back alone, with a restic that does as it is told, or not.

Fast, so that ``test_planted`` can take out each check in turn; the same with a real restic is in ``test_pruning``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stead.backup.changes import Wrong
from stead.backup.holds import Watched, save_watched
from stead.backup.known import Known, KnownSnapshot, load_known, save_known
from stead.backup.place import Place
from stead.backup.pruning import Order, Pruned, prune
from stead.backup.reading_back import ReadBack, read_back
from stead.backup.slices import load_reading
from stead.settings import RetentionSettings
from stead.settings.nouns import FOR_EVER
from stead.words.home import Home
from stead.words.verdict import Verdict

from .conftest import NOW

RULE = RetentionSettings(2, 0, 0, 0, 0)
_FAKE = """\
#!/bin/sh
echo "$*" >>{log}
for word in "$@"; do
  case $word in
    cat) echo '{{"id":"right"}}'; exit;;
    forget) forget=1;;
    unlock) exit;;
    prune) rm -f {repo}/data/aa/{unused}; touch {repo}/data/aa/{fresh}; {prune}; exit;;
    check) {check}; exit;;
    *) [ -z "$forget" ] || {{ {forget}; }};;
  esac
done
"""


def hex_of(name: str) -> str:
    return name.encode().hex().ljust(64, "0")


class Rig:
    """A place that is only files: six hourly backups, an old release and the current one."""

    def __init__(self, folder: Path) -> None:
        self.home, self.repo = Home.at(folder / "home"), folder / "attic"
        self.place = Place("attic", str(self.repo), folder / "password")
        self.place.password_file.write_text("x")
        self.every = [hex_of(f"backup-{n}") for n in range(6)]
        self.old, self.current = hex_of("r-old"), hex_of("r-current")
        self.log, self.folder = folder / "log", folder
        for name in [*self.every, self.old, self.current]:
            self.file("snapshots", name)
        packs = frozenset({hex_of("used"), hex_of("unused")})
        for name in packs:
            self.file("data/aa", name)
        made = tuple(
            KnownSnapshot(id_, NOW - timedelta(hours=5 - n), 1, 1, {}, {}, "r-old" if n < 4 else "r-new", "m", True)
            for n, id_ in enumerate(self.every)
        )
        releases = {"r-old": self.old, "r-current": self.current}
        save_known(self.home, "attic", Known("right", made, packs, frozenset(), releases))
        self.program = self.behave()

    def file(self, kind: str, name: str) -> None:
        (self.repo / kind).mkdir(parents=True, exist_ok=True)
        (self.repo / kind / name).write_text("x")

    def behave(self, **other: str) -> Path:
        """A restic that does what it should, but for ``other``."""
        program = self.folder / "restic"
        acts = {"forget": f"rm -f {self.repo}/snapshots/$word", "prune": ":", "check": ":"} | other
        names = {"repo": self.repo, "log": self.log, "unused": hex_of("unused"), "fresh": hex_of("fresh")}
        program.write_text(_FAKE.format(**names, **acts))
        program.chmod(0o755)
        return program

    def prune(self, **order: object) -> Pruned:
        wanted = replace(Order(RULE, "r-current"), **order)  # type: ignore[arg-type]
        return prune(self.home, self.place, self.program, wanted, NOW)

    def there(self) -> set[str]:
        return {file.name for file in (self.repo / "snapshots").iterdir()}

    @property
    def known(self) -> Known:
        return load_known(self.home, "attic")

    def did(self, word: str) -> bool:
        return self.log.exists() and any(f" {word}" in line for line in self.log.read_text().splitlines())


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_all_is_done_and_known(rig: Rig) -> None:
    done = rig.prune()
    assert (done.verdict, done.reason) == (Verdict.PASS, None)
    assert set(done.removed) == {*rig.every[:4], rig.old} and done.waiting == () and done.kept == 3
    assert rig.there() == {*rig.every[4:], rig.current} == set(done.listed)
    assert rig.known.pruning is None and rig.known.expected_snapshots == rig.there()
    assert rig.known.packs == {hex_of("used"), hex_of("fresh")} and not done.elsewhere
    assert rig.did("check") and rig.did("unlock")


def test_nothing_to_do_asks_nothing_of_restic(rig: Rig) -> None:
    rig.prune()
    rig.log.unlink()
    again = rig.prune()
    assert again.verdict is Verdict.PASS and again.removed == () and not rig.did("prune")


def test_a_dry_run_says_and_does_nothing(rig: Rig) -> None:
    done = rig.prune(dry_run=True)
    assert set(done.waiting) == {*rig.every[:4], rig.old} and done.removed == () and done.kept == 3
    assert not rig.did("forget") and not rig.did("prune") and len(rig.there()) == 8


def test_refused(rig: Rig) -> None:
    rig.program = rig.behave(forget="echo unable to remove >&2")
    done = rig.prune()
    assert done.verdict is Verdict.FAIL and "5 snapshots were to go and are still there" in str(done.reason)
    assert "unable to remove" in str(done.reason) and not rig.did("prune")
    assert rig.known.pruning is None and len(rig.known.snapshots) == 6


def test_refused_in_part(rig: Rig) -> None:
    rig.program = rig.behave(forget=f"[ $word = {rig.every[1]} ] || rm -f {rig.repo}/snapshots/$word")
    done = rig.prune()
    assert done.verdict is Verdict.FAIL and "1 snapshots were to go" in str(done.reason)
    assert rig.known.expected_snapshots == rig.there() and rig.known.pruning is None


def test_more_is_gone(rig: Rig) -> None:
    rig.program = rig.behave(forget=f"rm -f {rig.repo}/snapshots/$word {rig.repo}/snapshots/{rig.every[5]}")
    assert "are gone that were to stay" in str(rig.prune().reason) and not rig.did("prune")
    assert rig.every[5] in rig.known.expected_snapshots - rig.there()


def test_more_is_gone_while_its_data_is_removed(rig: Rig) -> None:
    rig.program = rig.behave(prune=f"rm -f {rig.repo}/snapshots/{rig.every[5]}")
    done = rig.prune()
    assert done.verdict is Verdict.FAIL and rig.every[5][:8] in str(done.reason)


def test_something_appeared(rig: Rig) -> None:
    rig.program = rig.behave(forget=f"rm -f {rig.repo}/snapshots/$word; touch {rig.repo}/snapshots/{hex_of('new')}")
    assert "another program writes" in str(rig.prune().reason)


def test_the_structure_is_broken_afterwards(rig: Rig) -> None:
    good = rig.program.read_text()
    rig.program = rig.behave(check="echo tree 12 not found >&2; exit 1")
    done = rig.prune()
    assert done.verdict is Verdict.FAIL and "tree 12 not found" in str(done.reason)
    assert rig.known.pruning is not None and hex_of("unused") in rig.known.packs
    assert "cut off" in str(rig.prune().reason)
    rig.program.write_text(good)
    assert rig.prune().verdict is Verdict.PASS and rig.known.pruning is None


def test_held(rig: Rig) -> None:
    save_watched(rig.home, Watched((Wrong("changes-gone", "300 of 400 files are gone", True),)))
    done = rig.prune()
    assert done.verdict is Verdict.UNPROVEN and "300 of 400" in str(done.reason) and len(done.waiting) == 5
    assert not rig.did("forget")


def test_cut_off_and_then_held_is_settled_and_nothing_more_goes(rig: Rig) -> None:
    save_known(rig.home, "attic", replace(rig.known, pruning=frozenset(rig.every[:4])))
    (rig.repo / "snapshots" / rig.every[0]).unlink()
    (rig.repo / "data/aa" / hex_of("unused")).unlink()
    save_watched(rig.home, Watched((Wrong("changes-gone", "300 of 400 files are gone", True),)))
    assert rig.prune().verdict is Verdict.UNPROVEN and rig.did("check") and not rig.did("forget")
    assert rig.known.pruning is None and rig.known.packs == {hex_of("used")}
    assert rig.known.expected_snapshots == rig.there()


def test_cut_off_with_nothing_left_to_choose_its_data_still_goes(rig: Rig) -> None:
    save_known(rig.home, "attic", replace(rig.known, pruning=frozenset({*rig.every[:4], rig.old})))
    for gone in (*rig.every[:4], rig.old):
        (rig.repo / "snapshots" / gone).unlink()
    assert rig.prune().verdict is Verdict.PASS and rig.did("prune") and rig.known.pruning is None


@pytest.mark.parametrize(("kind", "which"), [("snapshots", 5), ("data/aa", None)])
def test_what_lost_something_is_left_alone(rig: Rig, kind: str, which: int | None) -> None:
    (rig.repo / kind / (hex_of("used") if which is None else rig.every[which])).unlink()
    done = rig.prune()
    assert done.verdict is Verdict.FAIL and "nothing was pruned" in str(done.reason) and not rig.did("forget")


def test_what_was_lost_is_missed_until_it_would_have_gone(rig: Rig) -> None:
    (rig.repo / "snapshots" / rig.every[0]).unlink()
    rig.prune(dry_run=True)
    assert len(rig.known.snapshots) == 6, "a dry run changes nothing"
    for gone in (*rig.every[1:4], rig.old):
        (rig.repo / "snapshots" / gone).unlink()
    rig.program = rig.behave(forget="exit 1")
    save_known(rig.home, "attic", replace(rig.known, releases={"r-current": rig.current}))
    assert rig.prune().verdict is Verdict.PASS and rig.known.expected_snapshots == rig.there()


OUT = {"elsewhere": True, "rule": RetentionSettings(2, 0, 0, 0, FOR_EVER)}


def test_elsewhere_nothing_is_done(rig: Rig) -> None:
    done = rig.prune(**OUT)
    assert done.verdict is Verdict.PASS and done.elsewhere and set(done.waiting) == set(rig.every[1:4])
    assert len(rig.there()) == 8 and not rig.did("check") and rig.known.elsewhere == OUT["rule"]


def test_elsewhere_what_the_rule_lets_go_may_be_gone(rig: Rig) -> None:
    for gone in rig.every[1:3]:
        (rig.repo / "snapshots" / gone).unlink()
    (rig.repo / "data/aa" / hex_of("unused")).unlink()
    done = rig.prune(**OUT)
    assert done.verdict is Verdict.PASS and set(done.removed) == set(rig.every[1:3]) and rig.did("check")
    assert rig.known.packs == {hex_of("used")} and set(done.waiting) == {rig.every[3]}
    rig.log.unlink()
    assert rig.prune(**OUT).verdict is Verdict.PASS and not rig.did("check")


def test_elsewhere_more_is_a_loss(rig: Rig) -> None:
    for gone in (rig.every[1], rig.every[5]):
        (rig.repo / "snapshots" / gone).unlink()
    done = rig.prune(**OUT)
    assert done.verdict is Verdict.FAIL and rig.every[5][:8] in str(done.reason)
    assert rig.every[5] in rig.known.expected_snapshots


def test_elsewhere_a_broken_structure_is_told(rig: Rig) -> None:
    (rig.repo / "snapshots" / rig.every[1]).unlink()
    rig.program = rig.behave(check="echo tree 12 not found >&2; exit 1")
    done = rig.prune(**OUT)
    assert done.verdict is Verdict.FAIL and "tree 12 not found" in str(done.reason)


def test_from_elsewhere_to_here(rig: Rig) -> None:
    """What was let go there before it changed is no loss after it."""
    rig.prune(**OUT)
    (rig.repo / "snapshots" / rig.every[1]).unlink()
    (rig.repo / "data/aa" / hex_of("unused")).unlink()
    assert rig.prune().verdict is Verdict.PASS and rig.known.elsewhere is None


def read(rig: Rig, day: int = 0, *, days: float = 2.4, **more: object) -> tuple[ReadBack, ...]:
    now = NOW + timedelta(days=day)
    return read_back(rig.home, rig.place, rig.program, days * 86400, now, **more)  # type: ignore[arg-type]


def complaint(*lines: str) -> str:
    said = " ".join(f"'{json.dumps({'message_type': 'error', 'message': line})}'" for line in lines)
    return f"printf '%s\\n' {said} >&2; exit 1"


PACK = "0c" + "1" * 62


def test_slices_are_read_in_turn(rig: Rig) -> None:
    assert [read(rig, day)[0].slice for day in range(4)] == ["1/2", "2/2", "1/2", "2/2"]
    state = load_reading(rig.home, "attic")
    assert state is not None and state.whole and rig.did("check --read-data-subset 2/2")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"pack {PACK} contains 2 errors: [ciphertext verification failed]", "is not what was stored"),
        (f"pack {PACK}: does not exist", "is gone"),
        (f"pack {PACK}: unexpected file size: got 1, expected 2", "has not the size it had"),
    ],
)
def test_damage_is_named_at_once_and_asked_again(rig: Rig, line: str, words: str) -> None:
    good = rig.program.read_text()
    rig.behave(check=complaint(line))
    (first,) = read(rig)
    assert first.verdict is Verdict.FAIL and PACK in first.damage[0] and words in first.damage[0]
    state = load_reading(rig.home, "attic")
    assert state is not None and state.damage[0].first_byte == 0x0C and not any(state.read_at)
    rig.program.write_text(good)
    again = read(rig, 1)
    assert [one.slice for one in again] == ["1/2", "2/2"] and {one.verdict for one in again} == {Verdict.PASS}
    state = load_reading(rig.home, "attic")
    assert state is not None and state.damage == ()


def test_a_broken_structure_is_damage_if_it_is_so_again(rig: Rig) -> None:
    rig.behave(check=complaint("tree 12 not found in index"))
    (outcome,) = read(rig)
    assert outcome.verdict is Verdict.FAIL and "tree 12" in outcome.damage[0]
    state = load_reading(rig.home, "attic")
    assert state is not None and not any(state.read_at)


def test_what_does_not_answer_is_unproven_and_stops_the_round(rig: Rig) -> None:
    rig.behave(check=complaint("dial tcp 127.0.0.1:1: connection refused"))
    found = read(rig)
    state = load_reading(rig.home, "attic")
    assert [one.verdict for one in found] == [Verdict.UNPROVEN] and state is not None
    assert state.trouble and not any(state.read_at) and any(state.tried_at)
    late = read(rig, 50)
    assert len(late) == 1, "three were due, the first found nobody there"


def test_what_refuses_us_is_no_damage(rig: Rig) -> None:
    rig.behave(check=complaint(f"pack {PACK}: client.GetObject: 403 Forbidden"))
    (outcome,) = read(rig)
    state = load_reading(rig.home, "attic")
    assert outcome.verdict is Verdict.FAIL and "refuses" in str(outcome.reason) and outcome.damage == ()
    assert state is not None and state.damage == () and "refuses" in str(state.trouble)


def test_another_repository_there_is_damage(rig: Rig) -> None:
    rig.behave()
    rig.program.write_text(rig.program.read_text().replace('"id":"right"', '"id":"wrong"'))
    (outcome,) = read(rig)
    assert outcome.verdict is Verdict.FAIL and "another repository" in outcome.damage[0]


def test_a_budget_that_is_used_up_is_said_with_a_date(rig: Rig) -> None:
    read(rig)
    first = load_reading(rig.home, "attic")
    assert first is not None and first.size > 0
    (outcome,) = read(rig, 1, budget=first.size)
    assert outcome.verdict is Verdict.UNPROVEN and "2026-03-04" in str(outcome.reason)
    state = load_reading(rig.home, "attic")
    assert state is not None and state.trouble == outcome.reason and state.read_at == first.read_at
    assert read(rig, 1, budget=first.size + 1)[0].verdict is Verdict.PASS


def test_days_that_were_missed_are_made_up_for(rig: Rig) -> None:
    read(rig, days=7.2)
    assert len(read(rig, 20, days=7.2)) == 3
    assert len(read(rig, 21, days=7.2, whole=True)) == 1
