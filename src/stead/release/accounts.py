"""The users and groups of a release: their fixed numbers, before any package could give out others, and their check."""

from __future__ import annotations

from pathlib import Path

from stead.release.recipe import Recipe
from stead.words.errors import SteadError

#: 2025-08-09, the day of Debian 13: the one date in a release, so that two builds are equal.
EPOCH = 1754697600
_DAY = EPOCH // 86400
#: Numbers below are base-passwd's own and never change.
_FIRST_FREE = 100
_DEBIAN_GROUPS = {"users": 100}
_NOBODY = 65534


def account_lines(recipe: Recipe) -> dict[str, str]:
    """Lines to add to ``passwd``, ``group``, ``shadow`` and ``gshadow`` of a tree that has only the essential set."""
    groups = {**recipe.groups, **{user.name: user.uid for user in recipe.users}}
    members = {name: [user.name for user in recipe.users if name in user.groups] for name in groups}
    ordered = sorted(groups.items(), key=lambda item: item[1])
    return {
        "passwd": "".join(
            f"{user.name}:x:{user.uid}:{user.uid}::/nonexistent:/usr/sbin/nologin\n" for user in recipe.users
        ),
        "shadow": "".join(f"{user.name}:!*:{_DAY}::::::\n" for user in recipe.users),
        "group": "".join(f"{name}:x:{gid}:{','.join(members[name])}\n" for name, gid in ordered),
        "gshadow": "".join(f"{name}:!*::{','.join(members[name])}\n" for name, _ in ordered),
    }


def settle_accounts(tree: Path, recipe: Recipe) -> None:
    """Refuse ids that nobody fixed, join users to Debian's own groups, and take the dates out of ``shadow``."""
    uids, gids = ids_of(tree)
    fixed = {user.name: user.uid for user in recipe.users}
    _refuse_strangers("user", uids, fixed)
    _refuse_strangers("group", gids, {**recipe.groups, **fixed, **_DEBIAN_GROUPS})
    shadow = tree / "etc/shadow"
    lines = [line.split(":") for line in shadow.read_text("utf-8").splitlines()]
    shadow.write_text("".join(":".join([*line[:2], str(_DAY), *line[3:]]) + "\n" for line in lines), "utf-8")
    for user in recipe.users:
        for name in user.groups:
            _join(tree, name, user.name)


def ids_of(tree: Path) -> tuple[dict[str, int], dict[str, int]]:
    """The numbers of all users and of all groups in a tree, by name."""
    return _numbers(tree / "etc/passwd"), _numbers(tree / "etc/group")


def _numbers(file: Path) -> dict[str, int]:
    fields = (line.split(":") for line in file.read_text("utf-8").splitlines() if line)
    return {field[0]: int(field[2]) for field in fields}


def _refuse_strangers(what: str, found: dict[str, int], fixed: dict[str, int]) -> None:
    for name, number in found.items():
        if _FIRST_FREE <= number < _NOBODY and fixed.get(name) != number:
            raise SteadError(
                f"a package made the {what} {name} with the number {number}, which is not fixed",
                hint=f"declare {name} in the service that needs it: its data must keep one owner for ever",
            )


def _join(tree: Path, group: str, user: str) -> None:
    for name in ("group", "gshadow"):
        file = tree / "etc" / name
        lines = [line.split(":") for line in file.read_text("utf-8").splitlines()]
        for line in lines:
            present = [member for member in line[3].split(",") if member]
            if line[0] == group and user not in present:
                line[3] = ",".join([*present, user])
        file.write_text("".join(":".join(line) + "\n" for line in lines), "utf-8")
