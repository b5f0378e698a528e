"""Entries and cards into Radicale's folders: one file each, named after its UID, in a collection named for people.

What is there already with the same UID stays as it is: it may be newer.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from functools import partial
from importlib import resources

from stead.exchange.items import Item, Kind
from stead.exchange.pieces import Pieces
from stead.exchange.writing import sync_all

_PROPS = ".Radicale.props"
_BESIDE = ".Radicale.stead-"
_UID = re.compile(rb"^UID(?:;[^:\r\n]*)?:([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.MULTILINE)
_TAGS = {Kind.ENTRY: "VCALENDAR", Kind.CARD: "VADDRESSBOOK"}
_COMPONENTS = "VEVENT,VTODO,VJOURNAL"


class Keeping:
    """The calendars and address books of one account."""

    def __init__(self) -> None:
        # Radicale makes these at an account's first request only if nothing is there; so must we.
        ini = configparser.ConfigParser(interpolation=None)
        ini.read_string(resources.files("stead.services.calendar").joinpath("radicale.ini").read_text())
        self._predefined: dict[str, dict[str, str]] = json.loads(ini["storage"]["predefined_collections"])
        self._waiting: list[tuple[str, str]] = []
        self._collections: dict[tuple[str, str], str] = {}
        self._known: dict[str, set[bytes]] = {}

    def begin(self) -> None:
        """Learn which collections there are; sweep what a killed run left."""
        found = sorted(e.name for e in os.scandir("/") if e.is_dir(follow_symlinks=False) and e.name[:9] != ".Radicale")
        if not found:
            for name, props in self._predefined.items():
                self._make(name, props)
            found = list(self._predefined)
        for name in found:
            held = read_props(name)
            if held.get("tag"):
                self._collections.setdefault((str(held["tag"]), str(held.get("D:displayname") or name)), name)
            for left in os.listdir(f"/{name}"):
                if left.startswith(_BESIDE):
                    os.unlink(f"/{name}/{left}")

    def add(self, item: Item, pieces: Pieces) -> str | None:
        """Write the item beside; one whose UID is in the collection is left out at the flush."""
        folder = self._collection(item)
        content = pieces.whole()
        name = _name(item)
        beside = f"/{folder}/{_BESIDE}{name}"
        with open(beside, "wb") as file:
            file.write(content)
        uid = _uid(content)
        if uid in self._uids(folder):
            os.unlink(beside)
            self._waiting.append(("", ""))
        else:
            self._known[folder].add(uid)
            self._waiting.append((beside, f"/{folder}/{name}"))
        return None

    def flush(self) -> Callable[[], list[str]]:
        """Everything to disk, then under its name."""
        waiting, self._waiting = self._waiting, []
        return partial(_show, waiting)

    def end(self) -> None:
        """Nothing waits for it here."""

    def there(self, items: Sequence[Item]) -> list[bool]:
        """Whether a file of its name is in its collection."""
        return [os.path.lexists(f"/{self._collection(item)}/{_name(item)}") for item in items]

    def _collection(self, item: Item) -> str:
        tag = _TAGS[item.kind]
        known = self._collections.get((tag, item.where))
        if known is None:
            plain = re.sub(r"[^a-z0-9]+", "-", item.where.casefold()).strip("-")[:40]
            mark = hashlib.blake2b(f"{tag} {item.where}".encode(), digest_size=4).hexdigest()
            known = f"{plain}-{mark}" if plain else mark
            props = {"tag": tag, "D:displayname": item.where}
            if item.kind is Kind.ENTRY:
                props["C:supported-calendar-component-set"] = _COMPONENTS
            self._make(known, props)
            self._collections[tag, item.where] = known
        return known

    def _make(self, name: str, props: dict[str, str]) -> None:
        os.makedirs(f"/{name}", 0o700, exist_ok=True)
        with open(f"/{name}/{_BESIDE}props", "w") as file:
            json.dump(props, file)
        os.rename(f"/{name}/{_BESIDE}props", f"/{name}/{_PROPS}")

    def _uids(self, folder: str) -> set[bytes]:
        if folder not in self._known:
            found: set[bytes] = set()
            for entry in os.scandir(f"/{folder}"):
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    with open(entry.path, "rb") as file:
                        found.add(_uid(file.read(1 << 20)))
            self._known[folder] = found
        return self._known[folder]


def _name(item: Item) -> str:
    return f"{item.id}.{'ics' if item.kind is Kind.ENTRY else 'vcf'}"


def _uid(content: bytes) -> bytes:
    # Of an entry, not of its time zone: those have no UID line.
    found = _UID.search(content)
    return re.sub(rb"\r?\n[ \t]", b"", found[1]).strip() if found else b""


def read_props(name: str) -> dict[str, object]:
    """What Radicale notes of a collection: its tag and the name for people."""
    try:
        with open(f"/{name}/{_PROPS}") as file:
            found = json.load(file)
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _show(waiting: list[tuple[str, str]]) -> list[str]:
    sync_all("/")
    answers = []
    for beside, place in waiting:
        if not beside or os.path.lexists(place):
            answers.append("known")
            if beside:
                os.unlink(beside)
            continue
        try:
            os.rename(beside, place)
            answers.append("added")
        except OSError as problem:
            answers.append(f"it could not be written: {problem.strerror}")
    return answers
