"""Each check of our own judgement is taken out in turn, and a test must fail: a judgement nobody tests is none.

Takes some minutes: ``STEAD_PLANTED=1 pytest tests/backup/test_planted.py -s`` (or ``STEAD_PLANTED=backup/pruning``).
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stead.run import run

ROOT = Path(__file__).resolve().parents[2]
TESTS = {
    "backup": ("tests/backup/test_silent.py", "tests/backup/test_changes.py", "tests/backup/test_pruning.py"),
    "words": ("tests/backup/test_place.py",),
    "pruning": ("tests/backup/test_counted.py", "tests/backup/test_retention.py", "tests/backup/test_pruning.py"),
    "reading": ("tests/backup/test_counted.py", "tests/backup/test_reading_back.py"),
    "keeper": ("tests/keeper/test_judge.py", "tests/keeper/test_schedule.py"),
    "ages": ("tests/rehearsal/test_ages.py",),
}
#: Where we judge: module and functions (a class: its methods).
JUDGES = {
    "backup/cycle": ("backup", "_judge", "_source_problems", "lost"),
    "backup/restoring": ("backup", "judge"),
    "backup/compare": ("backup", "compare_with_manifest", "_side_by_side", "_one", "up_to"),
    "backup/changes": ("backup", "look_wrong", "clock_wrong", "_emptied"),
    "backup/holds": ("backup", "holds", "remember"),
    "backup/churn": ("backup", "was", "shift"),
    "backup/pruning": (
        "pruning",
        "here",
        "elsewhere",
        "_remove",
        "_settle",
        "_losses",
        "_releases",
        "_drop",
        "miscounted",
    ),
    "backup/retention": ("pruning", "choose", "choose_within", "let_go_on_purpose", "_counted"),
    "backup/reading_back": ("reading", "read_back", "_one", "_proven", "_state", "_words"),
    "backup/restic": ("reading", "checked"),
    "keeper/deadlines": ("keeper", "deadlines", "_older", "_full", "_reading"),
    "keeper/report": ("keeper", "place_verdict"),
    "rehearsal/ages": ("ages", "at_age", "age_of", "newest_of", "turn"),
    "backup/troubles": ("words", "trouble", "refuses", "_refusal"),
}
#: One of these words in the environment takes only the judges whose names begin with it.
ONLY = os.environ.get("STEAD_PLANTED", "")

pytestmark = pytest.mark.skipif(not os.environ.get("STEAD_PLANTED"), reason="minutes; set STEAD_PLANTED=1")


def test_every_check_is_missed_by_a_test_when_it_is_gone(tmp_path: Path) -> None:
    copy = tmp_path / "src"
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    chosen = {name: judge for name, judge in JUDGES.items() if ONLY == "1" or name.startswith(ONLY)}
    survived, planted = [], 0
    for module, (tests, *functions) in chosen.items():
        assert passes(copy, tests), "the tests do not pass as it is"
        file = copy / "stead" / f"{module}.py"
        whole = file.read_text()
        for words, text in mutants(whole, tuple(functions)):
            file.write_text(text)
            planted += 1
            if passes(copy, tests):
                survived.append(f"{module}: {words}")
                print("SURVIVED", survived[-1], flush=True)
        file.write_text(whole)
    print(f"{planted} checks were taken out, {len(survived)} were not missed")
    assert planted >= len(chosen) and survived == []


def passes(source: Path, tests: str) -> bool:
    line = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not root", *TESTS[tests]]
    env = {"PYTHONPATH": f"{source}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    return run(line, timeout=120, expect=(), env=env, cwd=ROOT).code == 0


def mutants(whole: str, functions: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The source without one check, once for each check: a statement that notes, raises or keeps a problem, and each
    condition of an ``if`` taken as never and as always true."""
    count = len(list(points(ast.parse(whole), functions)))
    for number in range(count):
        for way in ("gone", "always"):
            tree = ast.parse(whole)
            block, at = list(points(tree, functions))[number]
            node = block[at]
            if way == "gone":
                block[at] = ast.Pass()
            elif isinstance(node, ast.If):
                node.test = ast.Constant(True)
            else:
                continue
            ast.fix_missing_locations(tree)
            yield f"line {node.lineno} {way}: {ast.unparse(node).splitlines()[0][:90]}", ast.unparse(tree)


def points(tree: ast.AST, functions: tuple[str, ...]) -> Iterator[tuple[list[ast.stmt], int]]:
    """Every check, as the block it is in and its position there."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name in functions:
            for node in ast.walk(function):
                blocks: list[list[ast.stmt]] = [getattr(node, name, []) for name in ("body", "orelse")]
                for block in (one for one in blocks if isinstance(one, list)):
                    yield from ((block, at) for at, statement in enumerate(block) if is_check(statement))


def is_check(statement: ast.stmt) -> bool:
    """Whether a statement notes a problem: ``if``, ``+=``, ``yield``, a call whose answer nobody takes."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Call | ast.Yield | ast.YieldFrom)
    return isinstance(statement, ast.If | ast.AugAssign)
