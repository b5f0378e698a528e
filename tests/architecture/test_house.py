"""The house stays one that a newcomer can read: small modules, short functions, no hidden imports, no mocks."""

from __future__ import annotations

import ast
import re
import statistics

from tests.architecture.source import REPOSITORY, modules, tracked

SOURCE = modules("src")
TESTS = modules("tests")

_LARGEST_MODULE = 350
_MEDIAN_MODULE = 140
_NINE_IN_TEN_FUNCTIONS = 32
_LONGEST_FUNCTION = 60

#: Ways to start a process that the linter's ban of ``subprocess`` does not see.
_STARTERS = {"fork", "posix_spawn", "popen", "spawnv", "spawnve", "spawnl", "system"}
#: Programs that must be a process of their own from the start: each says so in its first lines.
_FORKS_BY_NATURE = re.compile(r"src/stead/(run|machine)/")


def test_modules_are_small() -> None:
    large = [f"{m.name}: {m.lines}" for m in SOURCE if m.lines > _LARGEST_MODULE]
    assert not large, f"two subjects in one module? {large}"
    assert statistics.median(m.lines for m in SOURCE) <= _MEDIAN_MODULE


def test_functions_are_short() -> None:
    lengths = {
        f"{m.name}:{f.lineno} {f.name}": (f.end_lineno or f.lineno) - f.lineno + 1
        for m in SOURCE
        for f in m.functions()
    }
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= _NINE_IN_TEN_FUNCTIONS
    long = {where: lines for where, lines in lengths.items() if lines > _LONGEST_FUNCTION}
    assert not long, f"two steps in one function? {long}"


def test_a_module_says_what_it_is_for() -> None:
    silent = [m.name for m in SOURCE if m.text.strip() and not ast.get_docstring(m.tree)]
    assert not silent, f"open with one or two sentences, what it is for and what it is not: {silent}"


def test_no_import_of_ours_hides_in_a_function() -> None:
    """The command line alone loads its verbs late, to start fast: nothing imports it, so it cannot be in a loop."""
    hidden = [
        f"{module.name}:{node.lineno}"
        for module in SOURCE
        if not module.name.startswith("src/stead/cli/")
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("stead")
    ]
    assert not hidden, f"an import inside a function is the early sign of a loop: {hidden}"


def test_processes_are_started_in_one_room() -> None:
    started = [
        f"{module.name}:{node.lineno} os.{node.func.attr}"
        for module in SOURCE
        if not _FORKS_BY_NATURE.match(module.name)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "os"
        and node.func.attr in _STARTERS
    ]
    assert not started, f"stead.run is the only place that starts processes: {started}"


def test_no_test_mocks_our_own_helpers() -> None:
    mocks = [
        f"{module.name}:{node.lineno}"
        for module in TESTS
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unittest.mock"))
        or (isinstance(node, ast.Import) and any(n.name.startswith(("unittest.mock", "mock")) for n in node.names))
    ]
    assert not mocks, f"use the real thing, or a fake program on PATH: {mocks}"


def test_nothing_leans_on_one_developers_computer() -> None:
    private = re.compile(
        rb"/var/tmp/(?:try|restic|venv|mail|lead)\b|/home/(?!USER|user|alice|bob|\{)[a-z]+/(?:src|work)"
    )
    found = [
        str(f.relative_to(REPOSITORY))
        for f in tracked()
        if f.name != "test_house.py" and private.search(f.read_bytes())
    ]
    assert not found, f"these name files that a fresh clone has not: {found}"
