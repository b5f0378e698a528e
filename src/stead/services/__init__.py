"""The services, one folder each. This page is what the other rooms use; ``catalogue`` has it in full."""

from __future__ import annotations

from pathlib import Path

from stead.services import datatree
from stead.services.catalogue import (
    SERVICES,
    all_egress,
    all_ports,
    all_users,
    binds,
    by_name,
    collisions,
    data_folders,
    gids,
    render,
    tree_files,
    uids,
)

__all__ = [
    "SERVICES",
    "all_egress",
    "all_ports",
    "all_users",
    "binds",
    "by_name",
    "collisions",
    "data_folders",
    "gids",
    "prepare_data",
    "render",
    "tree_files",
    "uids",
]


def prepare_data(root: Path) -> None:
    """Make or mend all declared folders under ``root`` (owners, modes); only while no machine runs on it."""
    datatree.prepare(root, data_folders(), uids(), gids())
