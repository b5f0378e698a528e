"""What a release is made of, and its digest: the recipe, gathered from the services' declarations. Builds nothing."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

from stead.words.declaration import Service, ServiceUser, TreeFile
from stead.words.errors import UsageError

#: Change it when the way a release is built changes, so that present releases no longer fit.
BUILD_VERSION = 1

#: What every machine has, whatever its services.
BASE_PACKAGES = ("systemd", "systemd-sysv", "dbus", "libnss-myhostname", "tzdata", "python3", "ca-certificates")

#: Users that Debian's own packages would create with whatever number is free; fixed for ever.
BASE_USERS = (
    ServiceUser("systemd-network", 600),
    ServiceUser("messagebus", 601),
    ServiceUser("systemd-resolve", 602),
    ServiceUser("systemd-timesync", 603),
)
BASE_GROUPS: Mapping[str, int] = {"systemd-journal": 604, "ssl-cert": 605, "input": 606, "kvm": 607, "render": 608}

#: Ids of base-passwd that services may take as groups of their users.
_DEBIAN_GROUPS = {"www-data", "mail", "adm"}


@dataclass(frozen=True)
class Recipe:
    """All that decides what is in a release, beside the versions that the archive offers on the day.

    ``python`` are requirement lines with hashes; ``files`` are written over the packages' own. ``mirror`` is the
    address under which ``debian`` and ``debian-security`` lie (None: Debian's); it does not change what is built.
    """

    suite: str
    packages: tuple[str, ...]
    python: tuple[str, ...] = ()
    users: tuple[ServiceUser, ...] = BASE_USERS
    groups: Mapping[str, int] = field(default_factory=lambda: dict(BASE_GROUPS))
    files: tuple[TreeFile, ...] = ()
    mirror: str | None = None


def locked_python() -> tuple[str, ...]:
    """The lines of the lock shipped with the program: every Python part there may be in a release."""
    text = resources.files(__package__).joinpath("python.lock").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


def recipe_of(services: Sequence[Service]) -> Recipe:
    """The recipe of a release with these services. :class:`UsageError` when two of them contradict each other.

    A service names Python parts as ``name==version``; hashes and dependencies are the lock's, which is taken whole.
    """
    users = _unique_users([*BASE_USERS, *(user for service in services for user in service.users)])
    groups = _merged_groups(services, users)
    return Recipe(
        suite="trixie",
        packages=tuple(sorted({*BASE_PACKAGES, *(package for service in services for package in service.packages)})),
        python=_python_of(services),
        users=users,
        groups=groups,
        files=_unique_files([file for service in services for file in service.tree_files()]),
        mirror=os.environ.get("STEAD_MIRROR") or None,
    )


def recipe_digest(recipe: Recipe) -> str:
    """The digest of everything in the recipe that decides what is built: equal digests, nothing to build again."""
    facts = {
        "build": BUILD_VERSION,
        "suite": recipe.suite,
        "packages": sorted(recipe.packages),
        "python": sorted(recipe.python),
        "users": sorted((user.name, user.uid, sorted(user.groups)) for user in recipe.users),
        "groups": sorted(recipe.groups.items()),
        "files": sorted(_file_facts(file) for file in recipe.files),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _file_facts(file: TreeFile) -> tuple[str, str, int, str, str, str]:
    content = hashlib.sha256(file.content).hexdigest()
    return (file.path, content, file.mode, file.owner, file.group, file.link or "")


def _python_of(services: Sequence[Service]) -> tuple[str, ...]:
    wanted = {line.split(";")[0].split()[0].lower() for service in services for line in service.python}
    if not wanted:
        return ()
    locked = locked_python()
    known = {line.split()[0].lower() for line in locked}
    if missing := sorted(wanted - known - {line.split("==")[0] for line in known}):
        raise UsageError(f"Python parts without a hash: {', '.join(missing)}", hint="add them to release/python.lock")
    return locked


def _unique_users(users: Sequence[ServiceUser]) -> tuple[ServiceUser, ...]:
    by_name: dict[str, ServiceUser] = {}
    for user in users:
        if by_name.setdefault(user.name, user) != user:
            raise UsageError(f"two services declare the user {user.name} differently")
    _no_shared_number({name: user.uid for name, user in by_name.items()}, "users")
    return tuple(sorted(by_name.values(), key=lambda user: user.uid))


def _merged_groups(services: Sequence[Service], users: Sequence[ServiceUser]) -> dict[str, int]:
    groups = dict(BASE_GROUPS)
    for service in services:
        for name, gid in service.groups.items():
            if groups.setdefault(name, gid) != gid:
                raise UsageError(f"two services declare the group {name} with different numbers")
    own = {user.name: user.uid for user in users}
    _no_shared_number({**groups, **own}, "groups")
    for user in users:
        if unknown := set(user.groups) - set(groups) - set(own) - _DEBIAN_GROUPS:
            raise UsageError(f"the user {user.name} wants groups that nobody declares: {', '.join(sorted(unknown))}")
    return groups


def _no_shared_number(ids: Mapping[str, int], what: str) -> None:
    owners: dict[int, str] = {}
    for name, number in ids.items():
        if owners.setdefault(number, name) != name:
            raise UsageError(f"the {what} {owners[number]} and {name} have the same number {number}")


def _unique_files(files: Sequence[TreeFile]) -> tuple[TreeFile, ...]:
    by_path: dict[str, TreeFile] = {}
    for file in files:
        if by_path.setdefault(file.path, file) != file:
            raise UsageError(f"two services put different files at {file.path}")
    return tuple(by_path[path] for path in sorted(by_path))
