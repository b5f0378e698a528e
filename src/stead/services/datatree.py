"""The folders of a data tree as the services declare them, made or mended before a machine boots on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from stead.services.hostfiles import HOST_ROOT, Owner, enter, give, open_folder
from stead.words.declaration import GUEST_UID_BASE, DataFolder


def prepare(root: Path, folders: Iterable[DataFolder], uids: Mapping[str, int], gids: Mapping[str, int]) -> None:
    """Give every declared folder under ``root`` its owner and mode, making what is missing; what is in them stays.

    Folders between are the host's own root's, mode 0755, so that the guest cannot replace what lies in them. Links
    planted by the guest are not followed but moved aside. Only while no machine runs on ``root``.
    """
    declared = {folder.path: (_owner(folder, uids, gids), folder.mode) for folder in folders}
    between = {"/".join(parts[:n]) for parts in map(_parts, declared) for n in range(1, len(parts))}
    wanted = dict.fromkeys(between, (HOST_ROOT, 0o755)) | declared
    with open_folder(root) as top:
        for path in sorted(wanted):
            owner, mode = wanted[path]
            _prepare(top, _parts(path), owner, mode)


def _prepare(parent: int, parts: tuple[str, ...], owner: Owner, mode: int) -> None:
    with enter(parent, parts[0]) as descriptor:
        if len(parts) == 1:
            give(descriptor, owner, mode)
        else:
            _prepare(descriptor, parts[1:], owner, mode)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def _owner(folder: DataFolder, uids: Mapping[str, int], gids: Mapping[str, int]) -> Owner:
    if folder.owner == "root" and not folder.writable:
        return HOST_ROOT
    group = folder.group or folder.owner
    return Owner(GUEST_UID_BASE + uids[folder.owner], GUEST_UID_BASE + gids[group])
