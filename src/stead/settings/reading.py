"""Read ``stead.toml``: all problems are found and told at once, each with its line and what is allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stead.settings import nouns
from stead.settings.declared import PLACE, PLACE_REQUIRED, SETTINGS, Setting
from stead.settings.pointing import did_you_mean, line_numbers, shown
from stead.words.errors import UsageError
from stead.words.home import Home

_SECTIONS: Mapping[str, Any] = {
    "acme": nouns.AcmeSettings,
    "goals": nouns.Goals,
    "mail": nouns.MailSettings,
    "data": nouns.DataSettings,
    "alerts": nouns.AlertSettings,
    "keeper": nouns.KeeperSettings,
    "retention": nouns.RetentionSettings,
    "local": nouns.LocalSettings,
}


@dataclass
class _Reading:
    """One file being read: its lines by key, and the problems found so far."""

    lines: Mapping[str, int]
    problems: list[tuple[int, str]] = field(default_factory=list)
    given: set[str] = field(default_factory=set)

    def problem(self, key: str, words: str) -> None:
        line = self.lines.get(key, 0)
        where = f"line {line}: " if line else ""
        self.problems.append((line, f"{where}{re.sub(r'#[0-9]+', '', key)}: {words}"))

    def value(self, setting: Setting, raw: object, key: str) -> object:
        try:
            return setting.read(raw)
        except ValueError as wrong:
            self.problem(key, f"{shown(raw)} will not do; allowed is {wrong}")
            return None


def load(home: Home) -> nouns.Settings:
    """The owner's settings; without a file, the defaults. :class:`UsageError` names every problem in it."""
    file = home.settings_file
    try:
        content = file.read_bytes().decode()
    except FileNotFoundError:
        content = ""
    except (OSError, UnicodeDecodeError) as wrong:
        raise UsageError(f"{file} cannot be read: {wrong}", hint="make it a readable text file in UTF-8") from None
    return parse(content, file)


def parse(content: str, file: Path) -> nouns.Settings:
    """The settings in a text; ``file`` is only named in problems."""
    try:
        raw = tomllib.loads(content)
    except tomllib.TOMLDecodeError as wrong:
        raise UsageError(f"{file} is not valid TOML: {wrong}", hint="correct that line") from None
    reading = _Reading(line_numbers(content))
    values = _read_plain(reading, raw)
    places = _read_places(reading, raw.get("place", []))
    if not reading.problems:
        _check_together(reading, values, places)
    if reading.problems:
        raise _told(file, reading)
    sections = {name: kind(**_under(name, values)) for name, kind in _SECTIONS.items()}
    return nouns.Settings(domain=values["domain"], places=places, **sections)


def _read_plain(reading: _Reading, raw: Mapping[str, object]) -> dict[str, Any]:
    """Values of all settings outside places, by dotted key; unknown keys become problems."""
    found: dict[str, object] = {}
    for key, value in raw.items():
        if key == "place":
            continue
        if key in _SECTIONS and isinstance(value, dict):
            found.update({f"{key}.{name}": inner for name, inner in value.items()})
        else:
            found[key] = value
    known = {setting.key: setting for setting in SETTINGS}
    for key in found:
        if key in _SECTIONS:
            reading.problem(key, f"this is a section; write [{key}] and its settings below it")
        elif key not in known:
            reading.problem(key, "there is no such setting" + did_you_mean(key, [*known, *_SECTIONS, "place"]))
    reading.given = set(found)
    return {
        key: reading.value(setting, found[key], key) if key in found else _default(setting)
        for key, setting in known.items()
    }


def _read_places(reading: _Reading, raw: object) -> tuple[nouns.PlaceSetting, ...]:
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        reading.problem("place", "each place is a section of its own: [[place]] with name and url below it")
        return ()
    places = []
    known = {setting.name: setting for setting in PLACE}
    for number, entry in enumerate(raw):
        here = f"place#{number}"
        for name in entry.keys() - known.keys():
            reading.problem(f"{here}.{name}", "there is no such setting" + did_you_mean(name, list(known)))
        for name in PLACE_REQUIRED:
            if name not in entry:
                reading.problem(here, f"{name} is missing, for example {name} = {known[name].example}")
        values: dict[str, Any] = {
            name: reading.value(known[name], value, f"{here}.{name}") for name, value in entry.items() if name in known
        }
        if values.keys() >= set(PLACE_REQUIRED):
            places.append(nouns.PlaceSetting(**values))
    return tuple(places)


def _check_together(reading: _Reading, values: Mapping[str, Any], places: tuple[nouns.PlaceSetting, ...]) -> None:
    """What each setting alone cannot show: combinations that make no sense."""
    for what in ("name", "url"):
        seen: set[str] = set()
        for number, place in enumerate(places):
            if (value := getattr(place, what)) in seen:
                reading.problem(f"place#{number}.{what}", f"{shown(value)} is used by another place already")
            seen.add(value)
    pair = ("mail.relay_user", "mail.relay_password_file")
    for one, other in (pair, pair[::-1]):
        if values[one] is not None and values[other] is None:
            reading.problem(one, f"it needs {other}, too")
        if values[one] is not None and values["mail.relay"] is None:
            reading.problem(one, "it needs mail.relay, too")
    if values["data.btrfs"] is not None and "data.first_size" in reading.given:
        reading.problem("data.first_size", "it is the size of a file image, and data.btrfs says to use none")
    if values["acme.email"] is not None and values["domain"] is None:
        reading.problem("acme.email", "it needs domain, too: local mode has an authority of its own")
    if values["local.port_shift"] and values["domain"] is not None:
        reading.problem("local.port_shift", "it is for local mode only, and domain is set")


def _default(setting: Setting) -> object:
    return None if setting.default is None else setting.read(setting.default)


def _under(section: str, values: Mapping[str, object]) -> dict[str, object]:
    return {s.name: values[s.key] for s in SETTINGS if s.section == section}


def _told(file: Path, reading: _Reading) -> UsageError:
    problems = [words for _line, words in sorted(reading.problems)]
    count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
    return UsageError(
        f"{file} has {count}; nothing was changed:\n" + "\n".join(f"  {words}" for words in problems),
        hint="correct the file and run the command again; docs/operate/settings.md lists every setting",
    )
