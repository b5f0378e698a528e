"""Start other programs: commands are lists, stdin is closed unless given, every run has a time limit.

A command that fails raises once, with the command, its code and its last lines. Secrets never travel in ``args``: use
files or ``env``; values in ``secrets`` are masked wherever output is shown.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from stead.words.errors import SteadError

_BASE_ENV = ("PATH", "PYTHONPATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "PIP_CERT", "REQUESTS_CA_BUNDLE")
_SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CommandError(SteadError):
    """A program ended in a way that was not expected; ``result`` has what it said (None: it never ended).

    ``said`` is the standard error of one that had to be ended.
    """

    def __init__(self, message: str, *, result: Result | None, hint: str | None = None, said: str = "") -> None:
        super().__init__(message, hint=hint)
        self.result = result
        self.said = said


@dataclass(frozen=True)
class Result:
    """How a program ended: its exit code (negative: killed by that signal), output as text."""

    args: tuple[str, ...]
    code: int
    out: str
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The known environment of every child: a plain locale, a full PATH, trust stores, and ``extra``."""
    env = {name: os.environ[name] for name in _BASE_ENV if name in os.environ}
    env.setdefault("PATH", _SAFE_PATH)
    if "/usr/sbin" not in env["PATH"].split(":"):
        env["PATH"] += ":" + _SAFE_PATH
    env["LC_ALL"] = "C.UTF-8"
    env.update(extra or {})
    return env


def run(
    args: Sequence[str | Path],
    *,
    timeout: float,
    expect: Sequence[int] = (0,),
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    secrets: Sequence[str] = (),
    hint: str | None = None,
) -> Result:
    """Run a program to its end and return its result.

    ``timeout`` seconds; on its passing the whole process group is killed. Raises :class:`CommandError` if the program
    is missing, takes too long, or ends with a code not in ``expect`` (empty: any code will do).
    """
    words = [str(a) for a in args]
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(env),
            cwd=cwd,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except FileNotFoundError as missing:
        raise CommandError(
            f"the program {words[0]} is not there ({missing.strerror})", result=None, hint=hint
        ) from None
    shown = _mask(shlex.join(words), secrets)
    out, err = _to_its_end(child, stdin, timeout, shown, hint)
    result = Result(tuple(words), child.returncode, out, err)
    if expect and result.code not in expect:
        tail = _mask("\n".join((err or out).strip().splitlines()[-12:]), secrets)
        said = f":\n{tail}" if tail else ""
        raise CommandError(f"{shown} ended with code {result.code}{said}", result=result, hint=hint)
    return result


def _to_its_end(
    child: subprocess.Popen[str], stdin: str | None, timeout: float, shown: str, hint: str | None
) -> tuple[str, str]:
    try:
        return child.communicate(stdin, timeout=timeout)
    except BaseException as cut:
        _kill_group(child)
        _, said = child.communicate()
        if isinstance(cut, subprocess.TimeoutExpired):
            late = f"{shown} did not end within {timeout:.0f} s"
            raise CommandError(late, result=None, hint=hint, said=said) from None
        raise


def start(
    args: Sequence[str | Path],
    *,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own and leave it running; the caller ends it by its id."""
    words = [str(a) for a in args]
    try:
        return subprocess.Popen(
            words,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environment(env),
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    except FileNotFoundError as missing:
        raise CommandError(f"the program {words[0]} is not there ({missing.strerror})", result=None) from None


def _kill_group(child: subprocess.Popen[str]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _mask(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text
