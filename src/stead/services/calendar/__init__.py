"""Calendars and contacts: Radicale as a WSGI program on a unix socket, one folder of plain files per account."""

from __future__ import annotations

from pathlib import Path

from stead.services.calendar.inventory import count
from stead.services.login import guest_files
from stead.words.declaration import DataFolder, Service, ServiceUser, TreeFile

__all__ = ["SERVICE"]

_HERE = Path(__file__).parent
_BASE = "/usr/lib/stead/calendar"
_UNITS = "/etc/systemd/system"


def _tree_files() -> tuple[TreeFile, ...]:
    socket, service = "stead-calendar.socket", "stead-calendar.service"
    return (
        *guest_files(_BASE),
        *guest_files(_BASE, "stead.services.calendar.guest", ("app",)),
        TreeFile(f"{_BASE}/radicale.ini", (_HERE / "radicale.ini").read_bytes()),
        TreeFile("/etc/nginx/stead.d/calendar.conf", (_HERE / "nginx.conf").read_bytes()),
        *(TreeFile(f"{_UNITS}/{unit}", (_HERE / unit).read_bytes()) for unit in (socket, service)),
        TreeFile(f"{_UNITS}/sockets.target.wants/{socket}", link=f"{_UNITS}/{socket}"),
        TreeFile(f"{_UNITS}/multi-user.target.wants/{service}", link=f"{_UNITS}/{service}"),
    )


SERVICE = Service(
    name="calendar",
    words="calendars and contacts (CalDAV, CardDAV)",
    packages=("python3-radicale", "gunicorn"),
    users=(ServiceUser("radicale", 617, groups=("auth",)),),
    folders=(DataFolder("calendar/collections", "radicale", why="every calendar entry and contact as a plain file"),),
    units=("stead-calendar.service",),
    tree_files=_tree_files,
    watched_by="stead.services.calendar.probes",
    inventory=count,
)
