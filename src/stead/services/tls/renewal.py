"""Keeping the server's certificate: the authority's key on the host, the certificate and its key in data."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from stead.services.hostfiles import Owner, enter, open_folder, read_file, write_file
from stead.services.tls.authority import Pair, is_good, issue, make_authority, serves
from stead.words.declaration import GUEST_UID_BASE
from stead.words.home import Home

_GUEST_TLS = Owner(GUEST_UID_BASE, GUEST_UID_BASE + 622)


def renew(home: Home, data_root: Path, names: tuple[str, ...], now: datetime) -> bool:
    """What :func:`stead.services.tls.ensure_certificate` does."""
    authority = _ensure_authority(home, data_root, names, now)
    with open_folder(data_root) as root, enter(root, "tls") as folder:
        kept = Pair.read(read_file(folder, "server.pem") or b"")
        if kept and is_good(kept, authority, names, now):
            return False
        write_file(folder, "server.pem", issue(authority, names, now).written(), mode=0o640, owner=_GUEST_TLS)
        return True


def _ensure_authority(home: Home, data_root: Path, names: tuple[str, ...], now: datetime) -> Pair:
    """The authority of this home; a copy in data (where the machine cannot see it) brings it to a recovered host.

    Without the copy every device would have to be told to trust a new authority after a recovery.
    """
    home.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_folder(home.secrets) as secrets, open_folder(data_root) as root, enter(root, ".stead") as hidden:
        authority = Pair.read(read_file(secrets, "ca.key") or b"") or Pair.read(read_file(hidden, "ca.key") or b"")
        if authority is None or not serves(authority, names, now):
            authority = make_authority(names, now)
        written = authority.written()
        for folder in (secrets, hidden):
            if read_file(folder, "ca.key") != written:
                write_file(folder, "ca.key", written, mode=0o600)
    with open_folder(home.lib) as lib:
        if read_file(lib, "ca.pem") != authority.public():
            write_file(lib, "ca.pem", authority.public(), mode=0o644)
    return authority
