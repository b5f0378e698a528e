"""The project's own files, as the tests of this folder look at them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stead.run import run

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def name(self) -> str:
        return str(self.path.relative_to(REPOSITORY))

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


def modules(folder: str) -> list[Module]:
    """All Python files under a folder of the repository."""
    return [Module(path) for path in sorted((REPOSITORY / folder).rglob("*.py"))]


def tracked() -> list[Path]:
    """Every text file that belongs to the project."""
    listed = run(["git", "-C", REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], timeout=20)
    return [file for name in listed.out.split("\0") if name and (file := REPOSITORY / name).is_file()]
