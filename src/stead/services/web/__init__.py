"""The web: one nginx for all HTTPS, the personal page, and the files by which programs find their settings."""

from __future__ import annotations

from pathlib import Path

from stead.services.web.config import HTTP, HTTPS, config_files
from stead.services.web.inventory import count
from stead.words.declaration import DataFolder, Service, ServiceUser, TreeFile

__all__ = ["SERVICE"]

_HERE = Path(__file__).parent
_UNITS = "/etc/systemd/system"


def _tree_files() -> tuple[TreeFile, ...]:
    return (
        TreeFile(f"{_UNITS}/nginx.service", (_HERE / "nginx.service").read_bytes()),
        TreeFile(f"{_UNITS}/multi-user.target.wants/nginx.service", link=f"{_UNITS}/nginx.service"),
        *(
            TreeFile(f"/usr/share/stead/web/{name}", (_HERE / name).read_bytes())
            for name in ("welcome.html", "missing.html")
        ),
    )


SERVICE = Service(
    name="web",
    words="the personal web page",
    packages=("nginx-light",),
    groups={"site": 623},
    users=(ServiceUser("web", 620, groups=("tls", "site")),),
    folders=(DataFolder("web/site", "webdav", 0o2750, group="site", why="the page; owners fill it by WebDAV"),),
    ports=(HTTPS, HTTP),
    units=("nginx.service",),
    tree_files=_tree_files,
    config_files=config_files,
    watched_by="stead.services.web.probes",
    inventory=count,
)
