"""What can be wrong with a place, as nouns. Unproven: nothing is known. Damaged: the place answered, and badly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence

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


class PlaceClock(UnprovenError):
    """The place refuses us because its clock and ours differ too much."""


class PlaceRefuses(SteadError):
    """The place answers and does not accept our login, or does not let us do what a backup needs."""


class OverLimit(SteadError):
    """What may go to the place in a month has gone there."""


class PlaceReadOnly(SteadError):
    """The place can be read and not be written to."""


class PlaceDamaged(SteadError):
    """The place answered, and what it should hold is missing or wrong."""


class PlaceFull(SteadError):
    """The place has no room for the backup."""


_UNREACHABLE = re.compile(
    r"connection refused|no such host|i/o timeout|network is unreachable|no route to host|connection reset|dial tcp"
    r"|deadline exceeded|ssh.*exit|receiving version packet|x509|tls:|server misbehaving|broken pipe|unexpected EOF"
    r"|\b(408|429|500|502|503|504)\b|transport endpoint|stale file handle|connection lost|host key verification",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"RequestTimeTooSkewed|request time and the \w+ time is too large", re.IGNORECASE)
_FULL = re.compile(
    r"no space left on device|disk quota exceeded|insufficient ?storage|\b(507|413)\b|quota ?exceeded|storage ?full"
    r"|not enough (free )?space|minimum free (drive|disk)",
    re.IGNORECASE,
)
_READ_ONLY = re.compile(r"read-only file ?system|SSH_FX_WRITE_PROTECT|OpenFile .*\bfailure\b", re.IGNORECASE)
_REFUSED = re.compile(
    r"\b(401|403)\b|access ?denied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|access key id you provided"
    r"|permission denied|operation not permitted|login incorrect|account.*(disabled|suspended)",
    re.IGNORECASE,
)
_DAMAGED = re.compile(
    r"ciphertext verification failed|invalid data returned|not found in repository|does not match|is damaged"
    r"|<(data|index|snapshot|key|config)/\w*>.*(no such file|does not exist|not found|404)|unexpected end of"
    r"|failed to load (snapshot|index|tree|blob)|has been modified or is damaged|\b(b|B)lob .* not found",
    re.IGNORECASE,
)
#: What a server greets everybody with; ssh's complaints do not come this way (see ``ssh``).
_GREETING = "subprocess ssh: "
_HARMLESS = re.compile(
    r"retrying after|operation successful after|signal (interrupt|terminated) received|^\s*$"
    # What check advises after what it found.
    r"|^(The repository (contains damaged pack|is damaged and must be)|restic repair |Damaged pack files can)"
    # What ssh says of a connection that it then makes all the same.
    r"|^(Warning: Permanently added |\*\* )"
    rf"|^{_GREETING}"
)
_RETRY = re.compile(r" returned error, retrying after [^:]*: ")
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
    """Whether a line says that something did not answer or refused to, as against answered badly."""
    kept_from_us = _UNREACHABLE.search(line) or _REFUSED.search(line) or _CLOCK.search(line)
    return bool(kept_from_us) and not _DAMAGED.search(line)


def trouble(place: str, code: int, stderr: str) -> SteadError:
    """The noun for a failed restic call on ``place`` from its exit code and everything it said."""
    stderr = "\n".join(line for line in stderr.splitlines() if not line.startswith(_GREETING))
    lines = error_lines(stderr) or tuple(line.strip() for line in stderr.splitlines() if line.strip())[-1:]
    said = _short(lines) or f"restic ended with code {code}"
    everything = "\n".join(lines)
    if code == 12:
        return WrongPassword(
            f"the password kept here does not open the place {place}, or its key files there are gone",
            hint="put the password from the recovery kit into its password file; if that does not open it either, "
            "nothing in it can be read any more",
        )
    if code == 11:
        return PlaceBusy(f"another program is working in the place {place}: {said}", hint="try again when it is done")
    if code == 10:
        return PlaceDamaged(
            f"the place {place} answers, and no repository is there: {said}",
            hint="is the address still the right one? The other places hold your data",
        )
    if noun := _refusal(place, said, everything + stderr):
        return noun
    if _DAMAGED.search(everything):
        return PlaceDamaged(f"the place {place} is damaged: {said}", hint="drill another place; then repair this one")
    if _UNREACHABLE.search(everything) or _UNREACHABLE.search(stderr):
        return PlaceUnreachable(f"the place {place} cannot be used: {said}", hint="is it switched on and connected?")
    if "no matching ID found" in everything or "failed to find snapshot" in everything:
        return NoSuchSnapshot(f"the place {place} has no such snapshot: {said}")
    return SteadError(f"restic failed at the place {place}: {said}")


def refuses(place: str, stderr: str) -> SteadError | None:
    """The noun when a place has refused what restic is still trying again: waiting will not help. Else None."""
    last = last_try(stderr)
    return _refusal(place, last, last) if last else None


def last_try(stderr: str) -> str:
    """What went wrong when restic last tried something that it tries again; empty: it tries nothing again."""
    tried = [line.strip() for line in stderr.splitlines() if "retrying after" in line]
    return _RETRY.sub(": ", _CURSOR.sub("", tried[-1]))[:300] if tried else ""


def _refusal(place: str, said: str, everything: str) -> SteadError | None:
    """What only the owner can change: clock, room, rights."""
    if _CLOCK.search(everything):
        return PlaceClock(
            f"the place {place} refuses us because its clock and this computer's differ too much: {said}",
            hint="see that this computer's clock is synchronised: stead doctor",
        )
    if _FULL.search(everything):
        return PlaceFull(f"no room left at the place {place}: {said}", hint="free space there, or use a bigger place")
    if _READ_ONLY.search(everything):
        return PlaceReadOnly(
            f"the place {place} can only be read: {said}",
            hint="its disk may be failing, or was mounted read-only; look at it, then mount it for writing",
        )
    if _REFUSED.search(everything):
        return PlaceRefuses(
            f"the place {place} refuses what we ask of it: {said}",
            hint=f"renew the login or its rights there, put them into its credentials, then: stead place test {place}",
        )
    return None


def _short(lines: Sequence[str]) -> str:
    """The first thing restic complained about, in one line that a person may read."""
    said = next((line for line in lines if line.strip()), "")
    return said.splitlines()[0][:240] if said else ""


def first(problems: Iterable[str], most: int = 5) -> str:
    """The first few problems in one sentence, and how many more there are."""
    every = list(problems)
    more = f"; and {len(every) - most} more" if len(every) > most else ""
    return "; ".join(every[:most]) + more
