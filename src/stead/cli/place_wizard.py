"""The questions of ``stead place add`` on a terminal, and a key for an SFTP place."""

from __future__ import annotations

import base64
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import click

from stead.backup.place import Kind, Place, kind_of
from stead.backup.ssh import HOSTS, KEY
from stead.backup.where import host_of, port_of
from stead.cli.here import Here
from stead.run import run
from stead.words.errors import UnprovenError, UsageError

_KINDS = {
    "disk": ("a folder on another disk", "The folder (such as /mnt/disk/stead)"),
    "computer": ("another computer, over SSH", "Its address (sftp:user@host:/folder)"),
    "server": ("restic's REST server", "Its address (rest:https://user:password@host:8000/name/)"),
    "cloud": ("S3 or compatible storage", "Its address (s3:https://host/bucket)"),
    "other": ("anything else restic reaches", "Its address (b2:..., azure:..., gs:..., rclone:...)"),
}


@dataclass(frozen=True)
class Wanted:
    """A place as the owner named it."""

    name: str
    url: str
    credentials_file: Path | None = None


def ask(here: Here, name: str | None) -> Wanted:
    """Ask for everything that a place needs."""
    for word, (words, _) in _KINDS.items():
        click.echo(f"  {word:9} {words}", err=True)
    kind = click.prompt("What kind of place", type=click.Choice(list(_KINDS)), default="disk", err=True)
    url = click.prompt(_KINDS[kind][1], err=True)
    chosen = name or click.prompt("A short name for it", default=kind, err=True)
    wanted = Wanted(chosen, url)
    if kind == "computer" and click.confirm("Make a key for it (no: ssh of root can log in there already)", err=True):
        return new_ssh_key(here, wanted)
    if kind == "cloud":
        pairs = {
            "AWS_ACCESS_KEY_ID": click.prompt("Access key id", err=True),
            "AWS_SECRET_ACCESS_KEY": click.prompt("Secret access key", hide_input=True, err=True),
        }
        return replace(wanted, credentials_file=_write(here, chosen, pairs))
    if kind == "other":
        file = click.prompt("A file with the NAME=value lines it needs (empty: none)", default="", err=True)
        return replace(wanted, credentials_file=Path(file) if file else None)
    return wanted


def new_ssh_key(here: Here, wanted: Wanted) -> Wanted:
    """Make a key for an SFTP place, and take note of the server it was first seen with. The owner puts it there."""
    if kind_of(wanted.url) is not Kind.SFTP:
        raise UsageError(f"{wanted.name} is no SFTP place, so it needs no key")
    place = Place(wanted.name, wanted.url, Path("/nowhere"))
    host, port = host_of(place), port_of(place)
    seen = run(["ssh-keyscan", "-T", "10", "-p", str(port), "--", str(host)], timeout=30, expect=()).out
    lines = "".join(line + "\n" for line in seen.splitlines() if not line.startswith("#"))
    if not lines:
        raise UnprovenError(f"no SSH server answers at {host}, port {port}", hint="is it switched on and connected?")
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"stead-{wanted.name}", "-f", key], timeout=30)
        public = key.with_suffix(".pub").read_text().strip()
        pairs = {KEY: _base64(key.read_bytes()), HOSTS: _base64(lines.encode())}
    file = _write(here, wanted.name, pairs)
    click.echo(f"Put this line into ~/.ssh/authorized_keys of the user there:\n\n    {public}\n", err=True)
    if not sys.stdin.isatty():
        again = f"stead place add {wanted.name} {wanted.url} --credentials-file {file}"
        raise UnprovenError("the key is made, and must be put there first", hint=f"then: {again}")
    click.pause("Press a key when it is there ...", err=True)
    return replace(wanted, credentials_file=file)


def _write(here: Here, name: str, pairs: dict[str, str]) -> Path:
    file = here.home.etc / f"place-{name}.env"
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write("".join(f"{key}={value}\n" for key, value in pairs.items()))
    return file


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
