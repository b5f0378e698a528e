"""Which host a command is about, how it speaks, and the options every command has."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from stead.settings import Settings, load
from stead.words.errors import UsageError
from stead.words.home import Home

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class Here:
    """The host at hand."""

    folder: Path | None = None
    json: bool = False

    @classmethod
    def named_in(cls, args: Sequence[str]) -> Here:
        """The host as far as arguments name it, for use before or after they were understood."""
        words = list(args)
        for number, word in enumerate(words):
            if word == "--home" and number + 1 < len(words):
                return cls(Path(words[number + 1]))
            if word.startswith("--home="):
                return cls(Path(word.removeprefix("--home=")))
        return cls()

    @property
    def home(self) -> Home:
        """Its folders."""
        named = self.folder or (Path(value) if (value := os.environ.get("STEAD_HOME")) else None)
        return Home.at(named) if named else Home.default()

    @cached_property
    def settings(self) -> Settings:
        """Its settings, read once."""
        return load(self.home)

    def need_root(self) -> None:
        """Refuse early what only root can do."""
        if os.geteuid() != 0:
            raise UsageError("this needs root", hint="put sudo before the command")


def _set_home(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    here = context.find_root().ensure_object(Here)
    if value is not None:
        here.folder = value


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.find_root().ensure_object(Here).json = value


def home_option(function: Function) -> Function:
    """Add ``--home`` to a command."""
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        expose_value=False,
        callback=_set_home,
        help="All of Stead's state under this folder (also: STEAD_HOME).",
    )(function)


def json_option(function: Function) -> Function:
    """Add ``--json`` to a reading command."""
    return click.option("--json", is_flag=True, expose_value=False, callback=_set_json, help="The result as JSON.")(
        function
    )


#: Hidden: the keeper says that it asks, so that quiet hours are kept.
by_keeper = click.option("--by-keeper", is_flag=True, hidden=True)

pass_here = click.make_pass_decorator(Here, ensure=True)


def acting(function: Function) -> Function:
    """A command that changes something: it has ``--home``, ``--json`` for its result, and needs root."""

    def guarded(here: Here, *args: Any, **options: Any) -> Any:
        here.need_root()
        return function(here, *args, **options)

    guarded.__name__, guarded.__doc__ = function.__name__, function.__doc__
    if hasattr(function, "__click_params__"):
        guarded.__click_params__ = function.__click_params__  # type: ignore[attr-defined]
    return cast(Function, home_option(json_option(pass_here(guarded))))


def reading(function: Function) -> Function:
    """A command that only looks: it has ``--home`` and ``--json``."""
    return cast(Function, home_option(json_option(pass_here(function))))
