"""A place: somewhere a copy lives. Its address, its kind, and how its credentials reach restic unseen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote

from stead.words.errors import UsageError

_LOGIN = re.compile(r"^(?P<head>(?:[a-z0-9]+:)?(?:[a-z0-9+]+://)?)(?P<user>[^/@:]*)(?::(?P<password>[^/@]*))?@")


class Kind(StrEnum):
    """What answers at a place's address."""

    FOLDER = "folder"
    SFTP = "sftp"
    REST = "rest"
    S3 = "s3"
    RCLONE = "rclone"
    OTHER = "other"


@dataclass(frozen=True)
class Limits:
    """What restic keeps to, in bytes a second (None: whatever the line gives)."""

    upload: int | None = None
    download: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Place:
    """A restic repository. ``same_disk``: it dies with the disk that holds data, so it proves little.

    ``credentials_file`` holds ``NAME=value`` lines for restic's environment, readable by root only.
    """

    name: str
    url: str
    password_file: Path
    same_disk: bool = False
    credentials_file: Path | None = None
    limits: Limits = NO_LIMITS

    def __repr__(self) -> str:
        return f"Place({self.name!r}, {url_without_secrets(self.url)!r}, same_disk={self.same_disk})"

    @property
    def kind(self) -> Kind:
        """What answers at this place's address."""
        return kind_of(self.url)

    @property
    def folder(self) -> Path | None:
        """The repository's folder, where the place is one on this computer."""
        return Path(self.url.removeprefix("local:")) if self.kind is Kind.FOLDER else None


def kind_of(url: str) -> Kind:
    """The kind of an address: an absolute folder, or by the word before its first colon."""
    if url.startswith(("/", "local:")):
        return Kind.FOLDER
    word = url.partition(":")[0]
    return Kind(word) if word in (Kind.SFTP, Kind.REST, Kind.S3, Kind.RCLONE) else Kind.OTHER


def url_without_secrets(url: str) -> str:
    """The address as it may be shown: no password, no access key, no query."""
    return split_url(url)[0].partition("?")[0]


def split_url(url: str) -> tuple[str, Mapping[str, str]]:
    """The address without what is secret in it, and that secret as restic's environment."""
    kind = kind_of(url)
    login = _LOGIN.match(url) if kind not in (Kind.FOLDER, Kind.RCLONE) else None
    if login is None:
        return url, {}
    user, password = login["user"], login["password"]
    rest = url[login.end() :]
    if kind is Kind.SFTP:
        return f"{login['head']}{user}@{rest}", {}
    names = {Kind.REST: ("RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD")}.get(
        kind, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    )
    found = {names[0]: unquote(user)} | ({names[1]: unquote(password)} if password else {})
    return login["head"] + rest, found


def credentials(place: Place) -> dict[str, str]:
    """Everything restic's environment needs to enter the place, from its address and its credentials file."""
    env = dict(split_url(place.url)[1])
    if place.credentials_file is None:
        return env
    try:
        text = place.credentials_file.read_text()
    except OSError as unreadable:
        raise UsageError(
            f"the credentials of the place {place.name} cannot be read: {unreadable.strerror}",
            hint=f"write NAME=value lines into {place.credentials_file}",
        ) from None
    for line in text.splitlines():
        name, found, value = line.partition("=")
        if found and not line.startswith("#"):
            env[name.strip()] = value.strip()
    return env
