"""Write one setting into ``stead.toml`` without touching the owner's comments and order."""

from __future__ import annotations

import os
import re
from pathlib import Path

from stead.settings import kinds
from stead.settings.nouns import Settings
from stead.settings.reading import parse
from stead.words.errors import UsageError
from stead.words.home import Home

_BEGIN = "# Settings of this Stead server. Every setting: docs/operate/settings.md\n\n"
_TABLE = re.compile(r"\s*\[")
_DOMAIN = re.compile(r"(\s*domain\s*=\s*)(\"[^\"]*\"|'[^']*')(.*)", re.DOTALL)


def save_domain(home: Home, domain: str) -> Settings:
    """Set ``domain`` in the file, making it if there is none; the file is checked whole before it is replaced."""
    try:
        kinds.domain(domain)
    except ValueError as wrong:
        raise UsageError(f'the domain "{domain}" will not do; allowed is {wrong}') from None
    file = home.settings_file
    try:
        before = file.read_text()
    except FileNotFoundError:
        before = _BEGIN
    after = with_domain(before, domain)
    settings = parse(after, file)
    if settings.domain != domain:
        raise UsageError(f"{file} could not be edited safely", hint=f'write domain = "{domain}" into it by hand')
    _replace(file, after)
    return settings


def with_domain(content: str, domain: str) -> str:
    """The file's text with the domain set, everything else as it was."""
    lines = content.splitlines(keepends=True)
    top = next((n for n, line in enumerate(lines) if _TABLE.match(line)), len(lines))
    for number in range(top):
        if match := _DOMAIN.fullmatch(lines[number]):
            lines[number] = f'{match[1]}"{domain}"{match[3]}'
            return "".join(lines)
    lines.insert(_after_opening_comment(lines[:top]), f'domain = "{domain}"\n')
    return "".join(lines)


def _after_opening_comment(lines: list[str]) -> int:
    """Where a new first setting goes: below a comment block that opens the file, if a blank line ends it."""
    for number, line in enumerate(lines):
        if not line.strip():
            return number + 1
        if not line.lstrip().startswith("#"):
            break
    return 0


def _replace(file: Path, content: str) -> None:
    """Put the new text in place in one step: after a power cut the file is the old or the new one, whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    new = file.with_name(f".{file.name}.new")
    with new.open("w") as out:
        os.fchmod(out.fileno(), mode)
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
