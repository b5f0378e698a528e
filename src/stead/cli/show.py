"""How results look: JSON, or plain columns that also read well in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from stead.words.verdict import Verdict

_COLOURS = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.UNPROVEN: "yellow"}


def show_json(content: Mapping[str, Any] | Sequence[Any]) -> None:
    """The result as JSON on standard output."""
    json.dump(content, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def show_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their longest cell; the last one is free."""
    widths = [max(len(click.unstyle(row[n])) for row in (heading, *rows)) for n in range(len(heading))]
    for number, row in enumerate((heading, *rows)):
        cells = [cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        click.echo(click.style(line, dim=True) if number == 0 else line)


def verdict(found: Verdict) -> str:
    """A verdict in its colour (none where output is no terminal)."""
    return click.style(found.value, fg=_COLOURS[found])
