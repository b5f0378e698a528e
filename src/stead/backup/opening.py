"""Opening a place: is it there, is it ours, does the password fit. And making one that is new."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path

from stead.backup.disks import same_disk
from stead.backup.known import load_known, save_known
from stead.backup.locks import writing
from stead.backup.place import NO_LIMITS, Kind, Limits, Place, kind_of, split_url
from stead.backup.restic import Restic, init, list_ids, repository_id
from stead.backup.troubles import PlaceDamaged, PlaceUnreachable, WrongPassword
from stead.settings import PlaceSetting
from stead.words.errors import SteadError
from stead.words.home import Home

_README = """\
This folder is a place: encrypted copies made by Stead, in the format of restic (https://restic.net).
{warning}
To get everything back with restic alone (version 0.18 or newer), without Stead:

    export RESTIC_REPOSITORY={folder}
    export RESTIC_PASSWORD_FILE=FILE     the password of the place "{name}": it is in the recovery kit
                                         (on the computer that made this: {password_file})
    restic snapshots                     lists what is here; "data" is your data, "release" the programs
    restic restore latest --tag data --target /somewhere/empty

Mail is then in run/stead/data/mail, calendars in run/stead/data/calendar, files in run/stead/data/files.
Do not change anything in this folder.
"""
_SAME_DISK = """
SAME DISK: DOES NOT SURVIVE IT. This copy lies on the disk that the data itself lies on. It helps after a mistake,
not after the loss of the disk or the computer. Name a place somewhere else in stead.toml.
"""


def place_of(
    home: Home, name: str, url: str, *, credentials_file: Path | None = None, limits: Limits = NO_LIMITS
) -> Place:
    """The noun for a place by its name and address. Nothing is asked or made."""
    password = home.secrets / f"place-{name}.password"
    return Place(name, url, password, same_disk(home, url), credentials_file, limits)


def place_from(home: Home, wanted: PlaceSetting) -> Place:
    """The noun for a place of the settings."""
    limits = Limits(wanted.upload_limit, wanted.download_limit)
    return place_of(home, wanted.name, wanted.url, credentials_file=wanted.credentials_file, limits=limits)


def ensure_place(
    home: Home,
    name: str,
    url: str,
    program: Path,
    *,
    credentials_file: Path | None = None,
    limits: Limits = NO_LIMITS,
) -> tuple[Place, bool]:
    """Make sure that a place can take backups; returns it, and whether it was made now.

    A new one gets a random password of its own. A place that was in use before and is empty now is never made anew:
    that would hide a loss, or fill the mount point of a disk that is not plugged in.
    """
    place = place_of(home, name, url, credentials_file=credentials_file, limits=limits)
    with writing(home, place):
        known = load_known(home, name)
        if known.repository is None and not place.password_file.exists():
            _make_password(place.password_file)
        restic = Restic(program, place)
        try:
            found, made = open_place(home, restic), False
        except _Nothing:
            _make_folder(place)
            found, made = init(restic), True
        if known.repository is None:
            save_known(home, name, replace(known, repository=found))
        _write_readme(place)
    return place, made


class _Nothing(PlaceDamaged):
    """Nothing is there, and nothing is known to have been."""


def open_place(home: Home, restic: Restic) -> str:
    """Return the repository's id, or raise the noun of what is wrong. Takes about half a second."""
    place, known = restic.place, load_known(home, restic.place.name)
    if not place.password_file.exists():
        raise WrongPassword(
            f"the password of the place {place.name} is not on this computer",
            hint=f"write it from the recovery kit into {place.password_file}",
        )
    if known.repository is not None:
        _require_folder(place)
    try:
        found = repository_id(restic)
    except WrongPassword:
        if place.folder is not None and not list_ids(restic, "keys"):
            raise PlaceDamaged(f"the place {place.name} has lost its key files: nothing in it can be read") from None
        raise
    except PlaceDamaged as damaged:
        if known.repository is None and "no repository is there" in damaged.message and not _holds_copies(place):
            raise _Nothing(damaged.message) from None
        if known.repository is not None and "no repository is there" in damaged.message:
            raise PlaceDamaged(
                f"everything that was in the place {place.name} is gone: it answers, and nothing of ours is there",
                hint="find out who emptied it, and see what the other places hold: stead backup list",
            ) from None
        raise
    if known.repository not in (None, found):
        raise PlaceDamaged(
            f"at the place {place.name} there is another repository than the one that was filled from here",
            hint="is another disk plugged in, or was it made anew? The old copies are not in this one",
        )
    return found


def _require_folder(place: Place) -> None:
    """A folder that is gone or empty is most often a disk that is not plugged in: nothing is known about the copies."""
    folder = place.folder
    if folder is None:
        return
    try:
        names = set(os.listdir(folder)) - {"README.txt", "lost+found"}
    except OSError as gone:
        raise PlaceUnreachable(
            f"the folder of the place {place.name} cannot be read: {gone.strerror}", hint="is its disk plugged in?"
        ) from None
    if not names:
        raise PlaceUnreachable(f"the folder of the place {place.name} is empty", hint="is its disk plugged in?")


def _holds_copies(place: Place) -> bool:
    return place.folder is not None and any((place.folder / name).exists() for name in ("data", "keys", "snapshots"))


def _make_password(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_urlsafe(32) + "\n")
        out.flush()
        os.fsync(out.fileno())


def _make_folder(place: Place) -> None:
    if place.folder is None:
        return
    try:
        place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as refused:
        raise SteadError(f"the folder {place.folder} cannot be made: {refused.strerror}") from None


def _write_readme(place: Place) -> None:
    if kind_of(place.url) is not Kind.FOLDER or place.folder is None:
        return
    words = _README.format(
        warning=_SAME_DISK if place.same_disk else "",
        folder=split_url(place.url)[0],
        name=place.name,
        password_file=place.password_file,
    )
    readme = place.folder / "README.txt"
    try:
        if not readme.exists() or readme.read_text() != words:
            readme.write_text(words)
    except OSError:
        # A place that lets itself only be added to refuses this; the copies do not depend on it.
        pass
