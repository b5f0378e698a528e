"""Write one setting or place into ``stead.toml`` without touching the owner's comments and order."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from stead.settings import kinds
from stead.settings.nouns import Settings
from stead.settings.reading import parse
from stead.words.errors import UsageError
from stead.words.home import Home

_BEGIN = "# Settings of this Stead server. Every setting: docs/operate/settings.md\n\n"
_TABLE = re.compile(r"\s*\[")
_PLACE = re.compile(r"\s*\[\[\s*place\s*\]\]")
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


def add_place(home: Home, name: str, values: Mapping[str, str | bool], *, write: bool = True) -> Settings:
    """Add a ``[[place]]`` section at the end of the file; it is checked whole before it is replaced.

    Without ``write`` it is only checked: the settings as they would be.
    """
    file, before = home.settings_file, _text(home.settings_file)
    lines = [f"{key} = {_toml(value)}" for key, value in {"name": name, **values}.items()]
    gap = "" if before.endswith("\n\n") else "\n" if before.endswith("\n") else "\n\n"
    after = before + gap + "\n".join(["[[place]]", *lines]) + "\n"
    settings = parse(after, file)
    if write:
        _replace(file, after)
    return settings


def remove_place(home: Home, name: str) -> Settings:
    """Take the ``[[place]]`` section called ``name`` out of the file; what stands outside of it stays as it is."""
    file, before = home.settings_file, _text(home.settings_file)
    lines = before.splitlines(keepends=True)
    headers = [number for number, line in enumerate(lines) if _TABLE.match(line)] + [len(lines)]
    number = [p.name for p in parse(before, file).places].index(name)
    begin = [at for at in headers[:-1] if _PLACE.match(lines[at])][number]
    end = next(at for at in headers if at > begin)
    # A comment right above the next section belongs to that one.
    while end < len(lines) and end > begin + 1 and lines[end - 1].lstrip().startswith("#"):
        end -= 1
    after = "".join([*lines[:begin], *lines[end:]])
    settings = parse(after, file)
    if any(place.name == name for place in settings.places):
        raise UsageError(f"{file} could not be edited safely", hint=f"remove the section of {name} by hand")
    _replace(file, after)
    return settings


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return _BEGIN


def _toml(value: str | bool) -> str:
    # JSON's strings are TOML's basic strings (TOML 1.0, String).
    return json.dumps(value, ensure_ascii=False)


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
