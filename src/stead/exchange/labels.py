"""Folders and flags out of what other providers call them: Gmail's labels, special folders, in many languages.

A message of Gmail has labels; ours lies in folders. Each label of its owner becomes a folder that the message lies in
(one file on disk, several names). What says how a message is, not where, becomes a flag.
"""

from __future__ import annotations

import csv
import re
import tomllib
import unicodedata
from email.header import decode_header
from importlib import resources
from typing import NamedTuple

_ARCHIVE = "Archive"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().strip("\u200e\u200f\u2068\u2069").casefold()


_NAMES = tomllib.loads(resources.files("stead.exchange").joinpath("languages.txt").read_text("utf-8"))
_SPECIAL = {_folded(word): folder for folder, words in _NAMES["folders"].items() for word in words}
_UNREAD, _FLAGGED, _NOTHING, _DRIVE = (
    frozenset(map(_folded, _NAMES["labels"][part])) for part in ("unread", "flagged", "nothing", "drive")
)
_CATEGORY = re.compile(rf"(?:{'|'.join(map(re.escape, map(_folded, _NAMES['labels']['category'])))})\b.*")


class Place(NamedTuple):
    """Where a message goes, its flags, and whether it is wanted only if it lies nowhere else."""

    folders: tuple[str, ...]
    flags: str
    elsewhere: bool = False


def of_labels(text: str) -> Place:
    """The folders and flags that Gmail's labels (``X-Gmail-Labels``, decoded) stand for.

    Trash and spam lie in no other folder. What is only archived goes to Archive, unless it is known already.
    """
    folders: list[str] = []
    flags = {"S"}
    for label in _split(text):
        name = _folded(label)
        if name in _UNREAD:
            flags.discard("S")
        elif name in _FLAGGED:
            flags.add("F")
        elif name not in _NOTHING and not _CATEGORY.fullmatch(name):
            folder = _SPECIAL.get(name, label)
            if folder not in folders:
                folders.append(folder)
    for alone in ("Trash", "Junk"):
        if alone in folders:
            folders = [alone]
    if "Drafts" in folders:
        flags.add("D")
    if len(folders) > 1 and _ARCHIVE in folders:
        folders.remove(_ARCHIVE)
    only = not folders or folders == [_ARCHIVE]
    return Place(tuple(folders) or (_ARCHIVE,), "".join(sorted(flags)), only)


def of_folder(name: str) -> str:
    """Our name for a folder: INBOX, Sent, Drafts, Junk, Trash, Archive for what is called so anywhere, else its own."""
    return str(_SPECIAL.get(_folded(name), name))


def is_drive(name: str) -> bool:
    """Whether this is what Takeout calls its folder with the files of Drive."""
    return _folded(name) in _DRIVE


def decoded(text: str) -> str:
    """A header's value with its encoded words (RFC 2047) decoded; bytes that make no sense are shown as such."""
    flat = re.sub(r"\r?\n[ \t]+", " ", text).strip()
    if "=?" not in flat:
        return flat
    # Some programs leave out the space between encoded words and what follows; labels have commas there.
    spaced = re.sub(r"(\?=)(?=[^\s])", r"\1 ", re.sub(r"(?<=[^\s])(=\?[A-Za-z0-9_-]+\?[BbQq]\?)", r" \1", flat))
    try:
        parts = decode_header(spaced if spaced.count("=?") > 1 else flat)
    except ValueError:
        return flat
    return "".join(part if isinstance(part, str) else _text(part, charset) for part, charset in parts) or flat


def _text(part: bytes, charset: str | None) -> str:
    try:
        return part.decode(charset or "utf-8", "replace")
    except LookupError:
        return part.decode("utf-8", "replace")


def _split(text: str) -> list[str]:
    """Labels as Takeout lists them: by commas, one with a comma in it between quotes."""
    try:
        row = next(csv.reader([" ".join(text.split())], skipinitialspace=True), [])
    except csv.Error:
        row = text.split(",")
    return [label.strip() for label in row if label.strip()]
