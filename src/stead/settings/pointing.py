"""Point at a mistake in the settings file: its line, what was written, and what was probably meant."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")


def did_you_mean(key: str, known: list[str]) -> str:
    """The end of a message about an unknown key, empty if nothing is near."""
    import difflib  # noqa: PLC0415 - only mistakes need it

    short = {name.rpartition(".")[2]: name for name in known}
    near = difflib.get_close_matches(key, known, 1, 0.6)
    near = near or [short[n] for n in difflib.get_close_matches(key.rpartition(".")[2], list(short), 1, 0.75)]
    return f"; did you mean {near[0]}?" if near else ""


def shown(raw: object) -> str:
    """A raw value in a message, a password in an address masked."""
    if isinstance(raw, str):
        return '"' + re.sub(r"(?<=:)[^/@:]+(?=@)", "***", raw[:80]) + '"'
    return str(raw).lower() if isinstance(raw, bool) else str(raw)[:80]


def line_numbers(content: str) -> dict[str, int]:
    """The line of each key, as dotted name (``place#0.url`` for the first place's url); only for messages."""
    lines: dict[str, int] = {}
    section, places = "", -1
    for number, line in enumerate(content.splitlines(), start=1):
        if header := _HEADER.match(line):
            places += header[1] == "[["
            section = f"{header[2]}#{places}" if header[1] == "[[" else header[2]
            lines.setdefault(section, number)
        elif key := _KEY.match(line):
            name = re.sub(r"[\s\"']", "", key[1])
            lines.setdefault(f"{section}.{name}" if section else name, number)
    return lines
