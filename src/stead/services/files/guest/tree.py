"""What an account sees: its own folder, the shared one and, for owners, the web page's, as WsgiDAV resources.

No symbolic link is ever followed or shown, whoever made it.
"""
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return"

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, BinaryIO

from wsgidav import util
from wsgidav.dav_error import HTTP_FORBIDDEN, DAVError
from wsgidav.dav_provider import DAVCollection, DAVProvider
from wsgidav.fs_dav_provider import FileResource, FolderResource

from stead.services.files.guest import storing

Environ = dict[str, Any]
SHARED, SITE = "shared", "site"


@dataclass(frozen=True)
class Roots:
    """Where the folders lie: ``home`` has one folder per account, ``owners`` names the accounts that own the page."""

    home: str
    shared: str
    site: str
    owners: str


class Tree(DAVProvider):
    """All folders of all accounts, each request seeing only its own account's."""

    def __init__(self, roots: Roots, mount: str) -> None:
        super().__init__()
        self._roots = roots
        self.readonly = False
        self.fs_opts = {"follow_symlinks": False}
        self.verbose = 1
        self.set_mount_path(mount)
        self.set_share_path("")

    def top_names(self, environ: Environ) -> list[str]:
        """The names in the account's first folder."""
        user = environ["REMOTE_USER"]
        return [user, SHARED, *([SITE] if self._owns(user) and os.path.isdir(self._roots.site) else [])]

    def file_path(self, path: str, environ: Environ) -> str | None:
        """Where ``path`` lies on the disk for this account; None if it may not or cannot exist."""
        first, *rest = path.strip("/").split("/")
        if first not in self.top_names(environ) or any(part.startswith(storing.HIDDEN) for part in rest):
            return None
        root = os.path.realpath(self._root(first))
        place = os.path.join(root, *rest)
        # The last part may be missing; everything that is there must be no link.
        return place if os.path.realpath(place) == place else None

    def modes(self, path: str) -> tuple[int, int]:
        """Permission bits of new files and folders: the page's are read by the web server."""
        return (0o644, 0o755) if path.strip("/").split("/")[0] == SITE else (0o600, 0o700)

    def get_resource_inst(self, path: str | None, environ: Environ) -> Any:
        """The resource at ``path``, or None; the first folder's parent is None, too."""
        if path is None:
            return None
        if path.strip("/") == "":
            return Top("/", environ)
        place = self.file_path(path, environ)
        if place is None:
            return None
        if os.path.isdir(place):
            return Folder(path, environ, place)
        return File(path, environ, place) if os.path.isfile(place) else None

    def _root(self, first: str) -> str:
        if first in (SHARED, SITE):
            return self._roots.shared if first == SHARED else self._roots.site
        place = os.path.join(self._roots.home, first)
        if not os.path.isdir(place):
            os.makedirs(place, 0o700, exist_ok=True)
        return place

    def _owns(self, user: str) -> bool:
        try:
            with open(self._roots.owners, encoding="utf-8") as lines:
                return any(line.strip() == user for line in lines)
        except FileNotFoundError:
            return False


class Top(DAVCollection):
    """The folder that holds an account's folders; nothing can be put into it."""

    def get_member_names(self) -> list[str]:
        """The account's folders."""
        return self.provider.top_names(self.environ)

    def get_member(self, name: str) -> Any:
        """One of them."""
        return self.provider.get_resource_inst(f"/{name}", self.environ)

    def get_display_name(self) -> str:
        """What people see."""
        return "Files"

    def prevent_locking(self) -> bool:
        """A lock here would be everybody's."""
        return True

    def set_property_value(self, name: str, value: Any, *, dry_run: bool = False) -> None:
        """It is everybody's, so nobody writes properties here."""
        raise DAVError(HTTP_FORBIDDEN)

    def create_collection(self, name: str) -> None:
        """Never."""
        raise DAVError(HTTP_FORBIDDEN, "only your own folder and the shared one can be written")


def _sayable(name: str) -> bool:
    """Whether a name can be written in a URL and in XML."""
    return not any(ord(letter) < 32 or "\ud800" <= letter <= "\udfff" for letter in name)


def is_top(path: str) -> bool:
    """Whether this is one of the folders an account is given, which stay."""
    return "/" not in path.strip("/")


def _delete(resource: Any) -> bool:
    """Delete in one go, after asking for locks in it: WsgiDAV would make a list of everything first."""
    environ = resource.environ
    resource.provider.lock_manager.check_write_permission(
        url=resource.get_ref_url(),
        depth="infinity",
        token_list=environ["wsgidav.ifLockTokenList"],
        principal=environ["wsgidav.user_name"],
    )
    storing.remove(resource._file_path)
    forget(resource)
    return True


def forget(resource: Any) -> None:
    """Drop properties and locks of what is gone."""
    resource.provider.prop_manager.remove_properties(resource.get_ref_url())
    resource.provider.lock_manager.remove_all_locks_from_url(resource.get_ref_url(), recursive=True)


class File(FileResource):
    """A file. For reading it is opened at once, so that size, tag and content are of one and the same file."""

    def __init__(self, path: str, environ: Environ, file_path: str) -> None:
        super().__init__(path, environ, file_path)
        self._opened: BinaryIO | None = None
        if environ["REQUEST_METHOD"] == "GET":
            self._opened = open(file_path, "rb", buffering=0)  # noqa: SIM115  (get_content hands it on to be closed)
            self.file_stat = os.fstat(self._opened.fileno())

    def get_content(self) -> BinaryIO:
        """The opened file."""
        assert self._opened is not None
        return self._opened

    def get_etag(self) -> str:
        """Changes whenever the content does: a new content is a new inode."""
        found = self.file_stat
        return f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"

    def finalize_headers(self, environ: Environ, response_headers: list[tuple[str, str]]) -> None:
        """What one account stored must not act as a page of this site in another's browser."""
        response_headers += [("Content-Security-Policy", "sandbox"), ("X-Content-Type-Options", "nosniff")]

    def handle_delete(self) -> bool:
        """See :func:`_delete`."""
        return _delete(self)


class Folder(FolderResource):
    """A folder."""

    def get_member_names(self) -> list[str]:
        """Files and folders in it, by name."""
        with os.scandir(self._file_path) as found:
            return sorted(
                item.name
                for item in found
                if not item.name.startswith(storing.HIDDEN)
                and (item.is_file(follow_symlinks=False) or item.is_dir(follow_symlinks=False))
                and _sayable(item.name)
            )

    def get_member_list(self) -> list[Any]:
        """The members; one that vanished meanwhile is left out."""
        return [member for name in self.get_member_names() if (member := self.get_member(name)) is not None]

    def prevent_locking(self) -> bool:
        """Folders of several people cannot be locked as a whole."""
        return self.path.strip("/") in (SHARED, SITE)

    def create_empty_resource(self, name: str) -> Any:
        """An empty file, for a lock on a name that is still free."""
        path = util.join_uri(self.path, name)
        place = self.provider.file_path(path, self.environ)
        if place is None:
            raise DAVError(HTTP_FORBIDDEN)
        with storing.replacing(place, self.provider.modes(path)[0]):
            pass
        return self.provider.get_resource_inst(path, self.environ)

    def create_collection(self, name: str) -> None:
        """A folder in this one."""
        path = util.join_uri(self.path, name)
        place = self.provider.file_path(path, self.environ)
        if place is None:
            raise DAVError(HTTP_FORBIDDEN)
        mode = self.provider.modes(path)[1]
        os.mkdir(place, mode)
        os.chmod(place, mode)

    def handle_delete(self) -> bool:
        """See :func:`_delete`."""
        return _delete(self)
