"""The one door: runs the command line and turns every ending into an exit code; a bug leaves a report file."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from stead.cli.here import Here
from stead.cli.root import root
from stead.words.errors import BUG, DONE, INTERRUPTED, USAGE, SteadError
from stead.words.quantities import say_time


def main() -> NoReturn:
    """Run the command named by the program's arguments and exit."""
    signal.signal(signal.SIGTERM, _interrupt)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader went away (stead logs | head): nothing is wrong, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(code)


def run(args: Sequence[str]) -> int:
    """Run one command line; the exit code of the contract."""
    try:
        outcome = root.main(list(args), prog_name="stead", standalone_mode=False)
        return outcome if isinstance(outcome, int) else DONE
    except SteadError as error:
        say_error(error.message, error.hint)
        return error.code
    except click.exceptions.Exit as wanted:
        return wanted.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        say_error(error.format_message(), f"{context.command_path} --help" if context else None)
        return USAGE
    except (KeyboardInterrupt, click.Abort):
        say_error("interrupted", None)
        return INTERRUPTED
    except BrokenPipeError:
        return DONE
    except Exception as bug:
        report = _report(args, bug)
        say_error(f"this is a bug in Stead: {type(bug).__name__}: {bug}", f"send the report {report} to its makers")
        return BUG


def say_error(message: str, hint: str | None) -> None:
    """One message, and the next thing to do where it is known."""
    print(f"stead: {message}", file=sys.stderr)
    if hint:
        print(f"  next: {hint}", file=sys.stderr)


def _report(args: Sequence[str], bug: Exception) -> Path:
    """Write what is needed to find the bug; no values of variables, so no secrets."""
    now = datetime.now(UTC)
    from traceback import format_exception  # noqa: PLC0415 - only bugs need it

    lines = format_exception(bug)
    content = f"{say_time(now)}\nstead {' '.join(args)}\npython {sys.version}\n\n{''.join(lines)}"
    name = f"bug-{now.strftime('%Y%m%dT%H%M%SZ')}-{os.getpid()}.txt"
    for folder in (Here.named_in(args).home.lib / "reports", Path("/var/tmp")):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / name).write_text(content)
            return folder / name
        except OSError:
            continue
    return Path("(it could not be written anywhere)")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
