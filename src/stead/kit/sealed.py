"""The kit as a file: JSON in the age format (age-encryption.org/v1), armored, opened by a passphrase.

Also the plain program ``age -d`` opens it; nothing of ours is needed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from pyrage import DecryptError, passphrase

from stead.words.errors import SteadError, UsageError
from stead.words.kit import Kit

_BEGIN, _END = "-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"
_LARGEST = 1 << 20
#: A line that a code on the printed page begins with; whoever scans them may keep these lines and the order wrong.
_CODE = re.compile(r"^STEAD (?P<id>k-[0-9a-f]{8}) (?P<number>\d+)/(?P<count>\d+)$")


def write_kit(kit: Kit, secret: str, folder: Path) -> Path:
    """Encrypt ``kit`` into a new file in ``folder``, mode 0600; its path."""
    text = seal(kit, secret)
    file = folder / f"stead-kit-{kit.domain}-{kit.made_at[:10]}-{kit.id[2:]}.age"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
    except OSError as refused:
        raise SteadError(
            f"the kit cannot be written to {folder}: {refused.strerror}", hint="name another folder: --to"
        ) from None
    return file


def seal(kit: Kit, secret: str) -> str:
    """The kit as armored text."""
    content = json.dumps(kit.to_json(), indent=1).encode()
    armored: bytes = passphrase.encrypt(content, secret, armored=True)
    return armored.decode()


def open_kit(file: Path, secret: str) -> Kit:
    """The kit in ``file``: as it was written, or put together from the codes of the printed page.

    UsageError when it is no kit, is damaged, or the passphrase does not open it; which of the last two cannot be told.
    """
    text = gather(_read(file))
    if _BEGIN not in text or _END not in text:
        raise UsageError(f"{file} is no kit, or a part of one", hint="a kit begins with " + _BEGIN)
    armored = text[text.index(_BEGIN) : text.index(_END) + len(_END)] + "\n"
    try:
        content = passphrase.decrypt(armored.encode(), secret)
    except (DecryptError, ValueError) as refused:
        raise UsageError(
            f"the kit {file} does not open: {str(refused).lower()}",
            hint="see that the passphrase is right, to the letter; if it is, the file is damaged: take another copy",
        ) from None
    try:
        return Kit.from_json(json.loads(content))
    except (ValueError, KeyError, TypeError) as strange:
        raise UsageError(
            f"the kit {file} was opened and is not understood ({strange})",
            hint="it was made by a newer program: get that one; or read it with age -d, it is plain JSON inside",
        ) from None


def gather(text: str) -> str:
    """Text scanned from the printed codes put in order; anything else as it is. UsageError names a missing code."""
    parts: dict[int, list[str]] = {}
    kits, count, number = set(), 0, 0
    for line in text.splitlines():
        code = _CODE.match(line.strip())
        if code:
            number, count = int(code["number"]), int(code["count"])
            kits.add(code["id"])
            parts[number] = []
        elif number:
            parts[number].append(line)
    if not parts:
        return text
    if len(kits) > 1:
        raise UsageError("these codes are of different kits", hint="scan all codes of one page, and no others")
    missing = [str(n) for n in range(1, count + 1) if n not in parts]
    if missing:
        raise UsageError(
            f"code {', '.join(missing)} of {count} is missing", hint="scan it, and add its text to the file"
        )
    return "\n".join(line for n in range(1, count + 1) for line in parts[n] if line.strip()) + "\n"


def _read(file: Path) -> str:
    try:
        with file.open("rb") as source:
            content = source.read(_LARGEST + 1)
    except OSError as unreadable:
        raise UsageError(
            f"the kit {file} cannot be read: {unreadable.strerror}", hint="is its disk plugged in?"
        ) from None
    if len(content) > _LARGEST:
        raise UsageError(f"{file} is too large to be a kit")
    return content.decode(errors="replace")
