"""Contact files into single cards. vCard 3.0 and 4.0 come over as they are; 2.1 is told anew in the words of 3.0.

A card without a UID gets one made from its content, so a second run knows it again (RFC 6350, RFC 2426, vCard 2.1).
"""

from __future__ import annotations

import base64
import hashlib
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

from stead.exchange.letters import Broken

_FOLD = re.compile("\n[ \t]")
_SOFT = re.compile(r"=\n[ \t]?")
_LINE = re.compile(r"((?:[A-Za-z0-9-]+\.)?[A-Za-z0-9-]+)((?:;(?:\"[^\"]*\"|[^:;\"])*)*):(.*)", re.DOTALL)
_ENCODINGS = {"QUOTED-PRINTABLE", "BASE64", "B", "7BIT", "8BIT"}
_FOLD_AT = 73


@dataclass
class Card:
    """One card ready to be kept, with CRLF."""

    uid: str
    text: bytes
    name: str


def cards(text: str) -> Iterator[Card | tuple[str, str]]:
    """Every card of a contact file; for what is broken a pair of what it is and why."""
    lines: list[str] | None = None
    depth = 0
    for line in text.split("\n"):
        word = line.strip().upper()
        if word == "BEGIN:VCARD":
            if lines is not None and depth == 1 and not lines[-1].upper().startswith("AGENT"):
                yield _called(lines), "it has no end"
                depth = 0
            if depth == 0:
                lines = []
            depth += 1
        if lines is not None:
            lines.append(line)
        if word == "END:VCARD" and depth:
            depth -= 1
            if depth == 0 and lines is not None:
                yield _card(lines)
                lines = None
    if lines is not None:
        yield _called(lines), "it has no end: the file is cut short"


def _card(lines: list[str]) -> Card | tuple[str, str]:
    try:
        version = next((found.split(":")[1].strip() for found in lines if found.upper().startswith("VERSION:")), "")
        joined = "\n".join(lines)
        if version in ("2.1", ""):
            joined = _SOFT.sub("", joined) if "QUOTED-PRINTABLE" in joined.upper() else joined
        flat = _FOLD.sub("", joined).split("\n")
        body = [line for line in flat[1:-1] if line.strip()]
        told = [_three(line) for line in body] if version in ("2.1", "") else body
        return _whole(told, version if version in ("3.0", "4.0") else "3.0")
    except Broken as why:
        return _called(lines), str(why)


def _whole(body: list[str], version: str) -> Card:
    names: dict[str, str] = {}
    for line in body:
        match = _LINE.fullmatch(line)
        if match is None:
            raise Broken(f"a line of it is no property: {line[:60]}")
        names.setdefault(match[1].rpartition(".")[2].upper(), match[3].strip())
    name = (
        names.get("FN") or _of_parts(names.get("N", "")) or names.get("ORG") or names.get("EMAIL") or names.get("TEL")
    )
    if not name:
        raise Broken("it names nobody: no name, organisation, address or number")
    kept = [
        line for line in body if not re.match(r"(?i)VERSION:|FN(;[^:]*)?:\s*$|UID(;[^:]*)?:\s*$|N(;[^:]*)?:\s*$", line)
    ]
    if not names.get("FN"):
        kept.insert(0, f"FN:{name}")
    if not names.get("N"):
        kept.insert(1, f"N:{name.replace(';', ' ')};;;;")
    uid = names.get("UID", "")
    if not uid:
        uid = "stead-" + hashlib.blake2b("\n".join(sorted(body)).encode(), digest_size=12).hexdigest()
        kept.append(f"UID:{uid}")
    whole = ["BEGIN:VCARD", f"VERSION:{version}", *kept, "END:VCARD", ""]
    return Card(uid, "\r\n".join(_folded(line) for line in whole).encode(), name[:120])


def _three(line: str) -> str:
    """A line of vCard 2.1 as 3.0 writes it: types named as such, quoted-printable and character sets decoded."""
    match = _LINE.fullmatch(line)
    if match is None:
        return line
    kept, encoding, charset = [], "", "utf-8"
    for part in match[2].split(";")[1:]:
        name, given, value = part.strip().partition("=")
        if name.upper() == "ENCODING" or (not given and name.upper() in _ENCODINGS):
            encoding = (value or name).upper()
        elif name.upper() == "CHARSET":
            charset = value
        elif not given and name:
            kept.append(f"TYPE={name}")
        elif name:
            kept.append(f"{name}={value}")
    value = match[3]
    if encoding == "QUOTED-PRINTABLE":
        value = _decode(value, charset)
    elif encoding in ("BASE64", "B"):
        kept.append("ENCODING=b")
        value = _checked(value)
    return ";".join([match[1], *kept]) + ":" + value


def _decode(value: str, charset: str) -> str:
    raw = quopri.decodestring(value.encode("utf-8", "replace"))
    try:
        text = raw.decode(charset, "replace")
    except LookupError:
        text = raw.decode("utf-8", "replace")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "")


def _checked(value: str) -> str:
    plain = re.sub(r"\s", "", value)
    try:
        base64.b64decode(plain, validate=True)
    except ValueError:
        raise Broken("its picture or key is damaged") from None
    return plain


def _folded(line: str) -> str:
    """Lines of at most 75 bytes, as the standard wants them; never cut inside a character."""
    if len(line) * 4 <= _FOLD_AT or len(line.encode()) <= _FOLD_AT:
        return line
    pieces, piece, size = [], "", 0
    for character in line:
        length = len(character.encode())
        if size + length > _FOLD_AT:
            pieces.append(piece)
            piece, size = "", 1
        piece, size = piece + character, size + length
    return "\r\n ".join([*pieces, piece])


def _of_parts(name: str) -> str:
    parts = [part.strip() for part in re.split(r"(?<!\\);", name)] + [""] * 5
    return " ".join(part for part in (parts[3], parts[1], parts[2], parts[0], parts[4]) if part)


def _called(lines: list[str]) -> str:
    for line in lines:
        match = _LINE.fullmatch(line)
        if match and match[1].upper() in ("FN", "N") and match[3].strip():
            return match[3].strip()[:120]
    return "a card without a name"
