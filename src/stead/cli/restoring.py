"""What every ``stead restore`` has: its options, choosing among candidates, asking before anything is done, telling."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar, cast

import click

from stead.cli.here import Function, Here, acting
from stead.cli.show import show_json, show_table
from stead.restore import Back, Candidate, Desk, say
from stead.words.errors import BAD_ANSWER, DONE, UsageError

Thing = TypeVar("Thing")

as_of = click.option("--as-of", metavar="WHEN", help="As it was then: yesterday, 2026-11-01, '2026-11-01 10:15', 3d.")
snapshot = click.option("--snapshot", metavar="ID", help="Only out of this backup (stead backup list).")
pick = click.option("--pick", metavar="N", help="The number of the one that is meant, in the list; 1,3 or all.")
_SHOWN = 20


@dataclass(frozen=True)
class How:
    """What all restores are told: ``sure``: without asking; ``dry``: only tell; which copies; which of the list."""

    sure: bool
    dry: bool
    as_of: str | None = None
    snapshot: str | None = None
    pick: str | None = None


def restoring(function: Function) -> Function:
    """A command that restores: ``--yes``, ``--dry-run``, and what every acting command has. It gets a :class:`How`."""

    @wraps(function)
    def told_how(here: Here, *args: Any, **options: Any) -> Any:
        words = {name: options.pop(name, None) for name in ("as_of", "snapshot", "pick")}
        return function(here, How(options.pop("yes"), options.pop("dry_run"), **words), *args, **options)

    yes = click.option("--yes", is_flag=True, help="Do it without asking.")
    dry = click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    return cast(Function, acting(yes(dry(told_how))))


@dataclass
class Choosing:
    """One restore at the terminal, in a pipe, or as JSON: what was found, chosen and done."""

    here: Here
    how: How
    desk: Desk
    found: list[dict[str, Any]] = field(default_factory=list)
    done: list[Back] = field(default_factory=list)
    steps: Sequence[str] = ()
    settled: bool = True

    def among(
        self, found: Sequence[Thing], heading: Sequence[str], line: Callable[[Thing], Sequence[str]]
    ) -> list[Thing]:
        """The ones that are meant: the only one, those picked, or what is answered. Empty: they were listed only."""
        self.found = [_json(heading, line(one), one) for one in found]
        number = self.how.pick
        if number is None and len(found) == 1:
            return list(found)
        if number is None and not self.here.json:
            show_table(("", *heading), [(str(n), *line(one)) for n, one in enumerate(found, 1)])
            if sys.stdin.isatty() and sys.stdout.isatty():
                number = click.prompt("Which one (a number, several, all)", default="none", err=True)
        if number in (None, "none"):
            self.settled = False
            return []
        return _picked(found, str(number))

    def agreed(self, steps: Sequence[str]) -> bool:
        """Show what would be done, and ask. False: nothing is to be done."""
        self.steps = steps
        if not steps:
            return False
        if not self.here.json:
            for step in (*steps[:_SHOWN], *([f"... and {len(steps) - _SHOWN} more"] if len(steps) > _SHOWN else [])):
                click.echo(step, err=not self.how.dry)
        if self.how.dry or self.how.sure:
            return self.how.sure and not self.how.dry
        if not sys.stdin.isatty():
            raise UsageError("nothing was done: there is no terminal to ask at", hint="the same again with --yes")
        self.settled = click.confirm("Do it?", err=True)
        return self.settled


def ended(choosing: Choosing) -> int:
    """Tell what was done and what could not be asked; the exit code."""
    troubles = choosing.desk.troubles.words
    if choosing.here.json:
        done = [{"what": b.what, "where": b.where, "there_already": b.there, **_source(b)} for b in choosing.done]
        numbered = [{"number": n, **one} for n, one in enumerate(choosing.found, 1)]
        show_json({"schema": 1, "found": numbered, "plan": list(choosing.steps), "done": done, "troubles": troubles})
        return DONE
    for back in choosing.done[:_SHOWN]:
        copy = f" (from {back.source.words()}, copy of {say(back.source.at)})" if back.source else ""
        click.echo(f"{back.what}: " + (f"is in {back.where} already" if back.there else f"back in {back.where}{copy}"))
    if len(choosing.done) > _SHOWN:
        click.echo(f"... {len(choosing.done)} in all")
    for words in troubles:
        click.echo(f"  passed over: {words}", err=True)
    if not choosing.settled:
        click.echo(
            "Nothing was done. Which one? The same again with --pick N (or 1,3 or all), or more words.", err=True
        )
    return DONE if choosing.settled else BAD_ANSWER


def _picked(found: Sequence[Thing], number: str) -> list[Thing]:
    if number == "all":
        return list(found)
    try:
        wanted = [int(part) for part in number.split(",")]
        if not all(1 <= one <= len(found) for one in wanted):
            raise ValueError
    except ValueError:
        raise UsageError(f"there is no number {number} in the list", hint=f"1 to {len(found)}, or all") from None
    return [found[one - 1] for one in dict.fromkeys(wanted)]


def _json(heading: Sequence[str], cells: Sequence[str], one: object) -> dict[str, Any]:
    if isinstance(one, Candidate):
        return one.to_json()
    return {name.lower().replace(" ", "_"): cell for name, cell in zip(heading, cells, strict=True) if name}


def _source(back: Back) -> dict[str, Any]:
    return back.source.to_json() if back.source else {}
