"""Secrets from the owner: asked for on a terminal, or read from a file; never an argument."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from stead.words.errors import UsageError


def secret(noun: str, option: str, file: str | None, words: str, *, twice: bool = False) -> str:
    """The first line of ``file`` (- is standard input), or what is typed at the prompt ``words``.

    ``noun`` and ``option`` name the secret and its option in messages.
    """
    if file is None:
        if not sys.stdin.isatty():
            raise UsageError(f"a {noun} is needed, and there is no terminal to ask for it", hint=f"{option} -")
        asked: str = click.prompt(words, hide_input=True, confirmation_prompt=twice, err=True)
        return asked
    try:
        text = sys.stdin.readline() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(f"the {noun} cannot be read from {file}: {wrong}") from None
    lines = text.splitlines()
    if not lines or not lines[0]:
        raise UsageError(f"the {noun} is empty", hint="write it as the first line")
    return lines[0]
