"""Where one Stead host keeps its things. All state lies under three folders, or under one with ``--home``."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folders of one host, and the short ``tag`` that tells its kernel objects from another home's."""

    etc: Path
    lib: Path
    run: Path
    tag: str

    @classmethod
    def default(cls) -> Home:
        """The home of an ordinary installation."""
        return cls(Path("/etc/stead"), Path("/var/lib/stead"), Path("/run/stead"), "stead")

    @classmethod
    def at(cls, folder: Path) -> Home:
        """A home that lies wholly under ``folder``; the tag is made from its path (``st`` and 6 hex digits)."""
        folder = folder.absolute()
        digest = hashlib.sha256(str(folder).encode()).hexdigest()[:6]
        return cls(folder / "etc", folder / "lib", folder / "run", f"st{digest}")

    @property
    def is_default(self) -> bool:
        """Whether this is the one home of an ordinary installation."""
        return self.tag == "stead"

    @property
    def settings_file(self) -> Path:
        """The owner's wishes, ``stead.toml``."""
        return self.etc / "stead.toml"

    @property
    def releases(self) -> Path:
        """The release store: one folder per release, and the link ``current``."""
        return self.lib / "releases"

    @property
    def data_image(self) -> Path:
        """The btrfs file image that holds data, unless the owner gave a btrfs of their own."""
        return self.lib / "data.img"

    @property
    def data_mount(self) -> Path:
        """Where the btrfs is mounted: ``live`` (the data) and ``pictures/`` lie in it."""
        return self.lib / "data"

    @property
    def data(self) -> Path:
        """The live data subvolume: one folder per service in it."""
        return self.data_mount / "live"

    @property
    def pictures(self) -> Path:
        """Read-only pictures of data, named by their time."""
        return self.data_mount / "pictures"

    @property
    def secrets(self) -> Path:
        """Passwords of places, the authority's key, the watch account's password; mode 0700, root only."""
        return self.lib / "secrets"

    @property
    def logs(self) -> Path:
        """The machine's logs as received on the host."""
        return self.lib / "logs"

    @property
    def records(self) -> Path:
        """The SQLite file of proofs, findings, acts and measured facts."""
        return self.lib / "records.db"

    @property
    def default_place(self) -> Path:
        """The place made when the owner named none: on the same disk, and said to be so."""
        return self.lib / "place-same-disk"

    @property
    def recovering(self) -> Path:
        """What a recovery under way needs, 0700; while it is there, data is not this computer's own yet."""
        return self.lib / "recovering"

    @property
    def recovery_mount(self) -> Path:
        """Where a recovery has the place mounted that it serves from."""
        return self.recovering / "place"

    @property
    def machines(self) -> Path:
        """One folder per running machine: overlay layers, sockets, pid files. Gone after a stop."""
        return self.run / "machines"

    @property
    def locks(self) -> Path:
        """Lock files (flock) of the acts that must not run twice at once."""
        return self.run / "locks"

    @property
    def long_acts(self) -> Path:
        """A file, named by its pid, for each act that has only left what may take days (an upload): nobody waits."""
        return self.run / "long"
