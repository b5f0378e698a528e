"""Files over WebDAV: one private folder per account, one shared by all, and the web page's for its owners."""

from __future__ import annotations

from pathlib import Path

from stead.services.files.inventory import count
from stead.services.login import guest_files
from stead.words.declaration import DataFolder, Service, ServiceUser, TreeFile

__all__ = ["SERVICE"]

_HERE = Path(__file__).parent
_BASE = "/usr/lib/stead/files"
_UNITS = "/etc/systemd/system"
_MODULES = ("app", "listing", "paths", "server", "store", "storing", "tree")


def _tree_files() -> tuple[TreeFile, ...]:
    socket, service = "stead-files.socket", "stead-files.service"
    return (
        *guest_files(_BASE),
        *guest_files(_BASE, "stead.services.files.guest", _MODULES),
        TreeFile("/etc/nginx/stead.d/files.conf", (_HERE / "nginx.conf").read_bytes()),
        *(TreeFile(f"{_UNITS}/{unit}", (_HERE / unit).read_bytes()) for unit in (socket, service)),
        TreeFile(f"{_UNITS}/sockets.target.wants/{socket}", link=f"{_UNITS}/{socket}"),
        TreeFile(f"{_UNITS}/multi-user.target.wants/{service}", link=f"{_UNITS}/{service}"),
    )


SERVICE = Service(
    name="files",
    words="files (WebDAV)",
    packages=("gunicorn",),
    python=("wsgidav==4.4.0", "defusedxml==0.7.1"),
    users=(ServiceUser("webdav", 618, groups=("site", "auth")),),
    folders=(
        DataFolder("files/home", "webdav", why="one private folder per account"),
        DataFolder("files/shared", "webdav", why="what all accounts share"),
        DataFolder("files/properties", "webdav", why="properties and locks that programs attach to files (SQLite)"),
    ),
    units=("stead-files.service",),
    tree_files=_tree_files,
    watched_by="stead.services.files.probes",
    inventory=count,
)
