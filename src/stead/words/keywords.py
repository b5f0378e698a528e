"""Keywords of messages (RFC 9051, 2.3.2: ``$Forwarded``, Thunderbird's tags, anybody's own) as Dovecot keeps them.

Beside the messages of a Maildir folder lies ``dovecot-keywords``: a number and a name in each line. The number's letter
(0 is ``a``) stands in the names of the messages that have the keyword: no more than 26 in a folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

FILE = "dovecot-keywords"
_MOST, _FILE_LIMIT = 26, 1 << 14
_ATOM = re.compile(r"[!#$&'+,./0-9:;<=>?@A-Z\[^_`a-z|}~-]{1,64}")
_LINE = re.compile(r"(\d{1,2}) (\S+)")


def cleaned(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are keywords, each once, however its letters are written; 26 at most."""
    found: dict[str, str] = {}
    for name in names:
        if _ATOM.fullmatch(name):
            found.setdefault(name.casefold(), name)
    return tuple(found.values())[:_MOST]


def read(content: bytes) -> dict[str, str]:
    """The keywords in a ``dovecot-keywords`` file, by their letters; what is none is left out."""
    found = {}
    for line in content[:_FILE_LIMIT].decode("ascii", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if match and int(match[1]) < _MOST and _ATOM.fullmatch(match[2]):
            found[chr(ord("a") + int(match[1]))] = match[2]
    return found


def write(known: Mapping[str, str]) -> bytes:
    """The same back."""
    return "".join(f"{ord(letter) - ord('a')} {known[letter]}\n" for letter in sorted(known)).encode()


def read_file(folder: str) -> dict[str, str]:
    """The keywords of a Maildir folder; none if it has no such file."""
    try:
        handle = os.open(f"{folder}/{FILE}", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return {}
    try:
        return read(os.read(handle, _FILE_LIMIT))
    except OSError:
        return {}
    finally:
        os.close(handle)


def named(letters: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """The keywords that letters in a message's name stand for."""
    return tuple(known[letter] for letter in letters if letter in known)


def with_letters(known: Mapping[str, str], names: Iterable[str]) -> tuple[dict[str, str], str]:
    """``known`` with letters for all of ``names``, as far as there are any left, and those of ``names``."""
    letters, of = dict(known), {name.casefold(): letter for letter, name in known.items()}
    free = [letter for letter in map(chr, range(ord("a"), ord("a") + _MOST)) if letter not in letters]
    found = ""
    for name in names:
        if name.casefold() not in of and free:
            of[name.casefold()] = free[0]
            letters[free.pop(0)] = name
        found += of.get(name.casefold(), "")
    return letters, "".join(sorted(found))
