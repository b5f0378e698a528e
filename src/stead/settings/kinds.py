"""The kinds of values a setting may have: each turns raw TOML into our noun, or says what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

from stead.settings.nouns import HostPort, Medium, Quiet
from stead.words.quantities import parse_duration

#: Turns a raw TOML value into the stored one; ValueError whose text completes "allowed is ...".
Read = Callable[[object], object]

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_SIZE = re.compile(r"(\d+)\s*(MB|GB|TB)")
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*(kB|MB|GB|TB)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(kB|MB)/s")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_UNITS = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_PLACE = re.compile(r"(sftp|rest|s3|b2|azure|gs|swift|rclone):.+", re.DOTALL)
_ALERT = re.compile(r"[a-z][a-z0-9+.-]*://\S+|mailto:[^\s@/:?]+@[^\s@/:?]+")


def text(value: object) -> str:
    """Any text that is not empty and has no control characters."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError('a text in quotes, not empty, such as "words"')
    return value


def domain(value: object) -> str:
    """A domain name of two labels or more, in lower case, without a trailing dot."""
    labels = value.split(".") if isinstance(value, str) else []
    fits = len(labels) >= 2 and len(str(value)) <= 230 and all(map(_LABEL.fullmatch, labels))
    if not fits or labels[-1].isdigit():
        raise ValueError(
            'a domain name in lower case such as "example.org" (other scripts in their xn-- form, no address, no path)'
        )
    return str(value)


def email(value: object) -> str:
    """A mail address, loosely: what is wrong with it beyond that the authority will say."""
    if not isinstance(value, str) or not re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", value):
        raise ValueError('a mail address such as "me@example.org"')
    return value


def https(value: object) -> str:
    """An https address."""
    if not isinstance(value, str) or not re.fullmatch(r"https://[^\s/]+(/\S*)?", value):
        raise ValueError("an address that begins with https://")
    return value


def alerts(value: object) -> tuple[str, ...]:
    """A list of addresses messages go to."""
    if not isinstance(value, list) or not all(isinstance(v, str) and _ALERT.fullmatch(v) for v in value):
        raise ValueError('a list of addresses such as ["ntfy://topic", "mailto:me@example.com"]')
    return tuple(value)


def path(value: object) -> Path:
    """An absolute path."""
    if not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
        raise ValueError('an absolute path in quotes, such as "/etc/stead/file"')
    return Path(value)


def host_port(value: object) -> HostPort:
    """``host:port``; an IPv6 address stands in square brackets."""
    match = (
        re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:\[\]/@]+)):(\d{1,5})", value) if isinstance(value, str) else None
    )
    if not match or not 0 < int(match[3]) < 65536:
        raise ValueError('a name and a port such as "smtp.example.net:587"')
    return HostPort(match[1] or match[2], int(match[3]))


def place_name(value: object) -> str:
    """A short name, safe in paths and commands."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", value):
        raise ValueError("a short name: a-z first, then a-z, 0-9 and -, at most 31 characters")
    return value


def place_url(value: object) -> str:
    """A restic repository: an absolute folder, or one of restic's kinds."""
    if not isinstance(value, str) or not value.isprintable() or not (value.startswith("/") or _PLACE.fullmatch(value)):
        raise ValueError(
            'a folder ("/mnt/disk/stead") or a restic address: sftp:user@host:/folder, rest:https://..., '
            "s3:..., b2:..., azure:..., gs:..., swift:..., rclone:..."
        )
    return value


def duration(least: str, most: str) -> Read:
    """A duration within bounds."""

    def read(value: object) -> float:
        allowed = f'a duration from {least} to {most}, in s, m, h, d or w (for example "{least}")'
        try:
            seconds = parse_duration(value) if isinstance(value, str) else -1.0
        except ValueError:
            raise ValueError(allowed) from None
        if not parse_duration(least) <= seconds <= parse_duration(most):
            raise ValueError(allowed)
        return seconds

    return read


def integer(least: int, most: int) -> Read:
    """A whole number within bounds."""

    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return value

    return read


def integer_or_all(least: int, most: int) -> Read:
    """A whole number within bounds, or ``"all"``, which is ``most``."""

    def read(value: object) -> int:
        try:
            return most if value == "all" else cast(int, integer(least, most)(value))
        except ValueError as allowed:
            raise ValueError(f'{allowed}, or "all"') from None

    return read


def size(value: object) -> int:
    """A size of at least what a btrfs with room in it needs, in bytes."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    amount = int(match[1]) * {"MB": 10**6, "GB": 10**9, "TB": 10**12}[match[2]] if match else 0
    if not 256 * 10**6 <= amount <= 100 * 10**12:
        raise ValueError('a size from "256MB" to "100TB", such as "4GB"')
    return amount


def amount(value: object) -> int:
    """A number of bytes."""
    match = _BYTES.fullmatch(value) if isinstance(value, str) else None
    found = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if found < 10**6:
        raise ValueError('a size of at least 1 MB, such as "100GB"')
    return found


def rate(value: object) -> int:
    """Bytes a second; below 10 kB/s nothing would ever be done."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    found = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if found < 10_000:
        raise ValueError('a speed of at least 10 kB/s, such as "500kB/s" or "2MB/s"')
    return found


def hours(value: object) -> Quiet:
    """Hours of the day, by the computer's local time."""
    match = _HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[1] + match[2] == match[3] + match[4]:
        raise ValueError('hours of the day such as "08:00-18:00" or "22:00-06:00"')
    return Quiet(int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4]))


def flag(value: object) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise ValueError("true or false, without quotes")
    return value


def medium(value: object) -> Medium:
    """What copies lie on."""
    if value not in tuple(Medium):
        raise ValueError('"disk", "computer" or "cloud"')
    return Medium(str(value))


def money(value: object) -> float:
    """An amount of money, in the owner's currency."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1000:
        raise ValueError("an amount from 0 to 1000, such as 0.09")
    return float(value)
