"""What can be wrong with a place, as nouns. Unproven: nothing is known. Damaged: the place answered, and badly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from stead.words.errors import SteadError, UnprovenError


class PlaceUnreachable(UnprovenError):
    """The place did not answer, or not in time."""


class WrongPassword(UnprovenError):
    """The place answered, and our password does not open it."""


class NoFuse(UnprovenError):
    """This computer cannot mount a place."""


class NoDisk(UnprovenError):
    """There is no room on this computer's disk for what was asked."""


class NoSuchSnapshot(UnprovenError):
    """The place holds no such snapshot, and never did as far as we know."""


class PlaceBusy(UnprovenError):
    """Another program holds a lock in the place that is not ours to remove."""


class PlaceDamaged(SteadError):
    """The place answered, and what it should hold is missing or wrong."""


class PlaceFull(SteadError):
    """The place has no room for the backup."""


_UNREACHABLE = re.compile(
    r"connection refused|no such host|i/o timeout|network is unreachable|no route to host|connection reset|dial tcp"
    r"|deadline exceeded|ssh.*exit|subprocess|x509|tls:|server misbehaving|broken pipe|unexpected EOF"
    r"|\b(401|403|408|429|500|502|503|504)\b|permission denied|access denied|transport endpoint|stale file handle",
    re.IGNORECASE,
)
_DAMAGED = re.compile(
    r"ciphertext verification failed|invalid data returned|not found in repository|does not match|is damaged"
    r"|<(data|index|snapshot|key|config)/\w*>.*(no such file|does not exist|not found|404)|unexpected end of"
    r"|failed to load (snapshot|index|tree|blob)|has been modified or is damaged|\b(b|B)lob .* not found",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"retrying after|operation successful after|signal (interrupt|terminated) received|^\s*$"
    # What check advises after what it found.
    r"|^(The repository (contains damaged pack|is damaged and must be)|restic repair |Damaged pack files can)"
)
_CURSOR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def error_lines(stderr: str) -> tuple[str, ...]:
    """What restic complained about: JSON errors as one sentence each, plain lines as they are, repeated ones once."""
    found: dict[str, None] = {}
    for line in stderr.splitlines():
        words = _one(_CURSOR.sub("", line).strip())
        if not _HARMLESS.search(words):
            found[words] = None
    return tuple(found)


def _one(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if said.get("message_type") == "exit_error":
        return str(said.get("message", "")).removeprefix("Fatal: ").strip()
    if said.get("message_type") == "error":
        # Backup and restore nest it, check does not.
        message = said["error"].get("message", "") if isinstance(said.get("error"), dict) else said.get("message", "")
        return " ".join(f"{said.get('item', '')}: {message}".strip(": ").split())
    return ""


def is_unreachable(line: str) -> bool:
    """Whether a line says that something did not answer, as against answered badly."""
    return bool(_UNREACHABLE.search(line)) and not _DAMAGED.search(line)


def trouble(place: str, code: int, stderr: str) -> SteadError:
    """The noun for a failed restic call on ``place`` from its exit code and everything it said."""
    lines = error_lines(stderr) or tuple(line.strip() for line in stderr.splitlines() if line.strip())[-1:]
    said = "; ".join(lines[:3]) or f"restic ended with code {code}"
    everything = "\n".join(lines)
    if code == 12:
        return WrongPassword(
            f"the password kept here does not open the place {place}",
            hint="put the right password from the recovery kit into its password file",
        )
    if code == 11:
        return PlaceBusy(f"another program is working in the place {place}: {said}", hint="try again when it is done")
    if code == 10:
        return PlaceDamaged(f"the place {place} answers, and no repository is there: {said}")
    if "no space left on device" in everything:
        return PlaceFull(f"no room left at the place {place}: {said}", hint="free space there, or use a bigger place")
    if _DAMAGED.search(everything):
        return PlaceDamaged(f"the place {place} is damaged: {said}", hint="drill another place; then repair this one")
    if _UNREACHABLE.search(everything) or _UNREACHABLE.search(stderr):
        return PlaceUnreachable(f"the place {place} cannot be used: {said}", hint="is it switched on and connected?")
    if "no matching ID found" in everything or "failed to find snapshot" in everything:
        return NoSuchSnapshot(f"the place {place} has no such snapshot: {said}")
    return SteadError(f"restic failed at the place {place}: {said}")


def first(problems: Iterable[str], most: int = 5) -> str:
    """The first few problems in one sentence, and how many more there are."""
    every = list(problems)
    more = f"; and {len(every) - most} more" if len(every) > most else ""
    return "; ".join(every[:most]) + more
