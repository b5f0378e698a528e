"""Real client programs, set up as a person would set them up: mbsync, vdirsyncer, rclone, chromium."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from stead.run import Result, run
from tests.rig.server import Server


def _program(name: str) -> str:
    """The one of the check's own environment, else Debian's."""
    own = Path(sys.executable).with_name(name)
    found = str(own) if own.exists() else shutil.which(name)
    assert found, f"{name} is not installed; ./check installs it"
    return found


@dataclass(frozen=True)
class Programs:
    """Client programs for one server; their settings and files lie in ``folder``."""

    server: Server
    folder: Path

    def mbsync(self, name: str, maildir: Path) -> Result:
        """Bring the IMAP account and a local Maildir together, both ways."""
        at, here = self.server.endpoint("imaps"), self.folder / f"mbsync-{name}"
        here.mkdir(exist_ok=True)
        maildir.mkdir(parents=True, exist_ok=True)
        password = self._password_file(name)
        (here / "mbsyncrc").write_text(
            f'IMAPAccount stead\nHost localhost\nPort {at.port}\nUser {name}\nPassCmd "cat {password}"\n'
            f"SSLType IMAPS\nSystemCertificates no\nCertificateFile {self.server.ca}\n\n"
            "IMAPStore far\nAccount stead\n\n"
            f"MaildirStore near\nPath {maildir}/\nInbox {maildir}/INBOX\nSubFolders Verbatim\n\n"
            "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSync All\n"
            f"SyncState {here}/state/\n"
        )
        (here / "state").mkdir(exist_ok=True)
        return run([_program("mbsync"), "-c", here / "mbsyncrc", "-a"], timeout=120, env={"HOME": str(here)})

    def vdirsyncer(self, name: str, local: Path) -> Result:
        """Bring the person's calendars and address books and local folders together, both ways."""
        here = self.folder / f"vdirsyncer-{name}"
        here.mkdir(exist_ok=True)
        (here / "config").write_text(
            f'[general]\nstatus_path = "{here}/status/"\n'
            + self._pair(name, "calendar", "caldav", ".ics", local)
            + self._pair(name, "contacts", "carddav", ".vcf", local)
        )
        for kind in ("calendar", "contacts"):
            (local / kind).mkdir(parents=True, exist_ok=True)
        program, env = _program("vdirsyncer"), {"VDIRSYNCER_CONFIG": str(here / "config"), "HOME": str(here)}
        if not (here / "status").exists():
            run([program, "discover"], timeout=120, env=env, stdin="y\n" * 20)
        return run([program, "sync"], timeout=120, env=env)

    def _pair(self, name: str, kind: str, protocol: str, suffix: str, local: Path) -> str:
        # Nothing but the server's name is told: the paths are found by /.well-known, as on a telephone.
        password = self._password_file(name)
        return (
            f'\n[pair {kind}]\na = "{kind}_near"\nb = "{kind}_far"\ncollections = ["from a", "from b"]\n'
            f'conflict_resolution = "b wins"\n\n[storage {kind}_near]\ntype = "filesystem"\npath = "{local / kind}/"\n'
            f'fileext = "{suffix}"\n\n[storage {kind}_far]\ntype = "{protocol}"\nurl = "{self.server.url()}"\n'
            f'username = "{name}"\npassword.fetch = ["command", "cat", "{password}"]\nverify = "{self.server.ca}"\n'
        )

    def rclone(self, name: str, *words: str, timeout: float = 120.0) -> Result:
        """Run rclone; the remote ``stead:`` is the person's WebDAV."""
        config = self.folder / f"rclone-{name}.conf"
        secret = run([_program("rclone"), "obscure", "-"], timeout=20, stdin=self.server.people[name]).out.strip()
        config.write_text(
            f"[stead]\ntype = webdav\nvendor = other\nurl = {self.server.url('/files/')}\n"
            f"user = {name}\npass = {secret}\n"
        )
        fixed = ["--config", str(config), "--ca-cert", str(self.server.ca), "--retries", "1"]
        return run([_program("rclone"), *fixed, *words], timeout=timeout)

    def chromium(self, *words: str) -> Result:
        """Run a browser without a window, whose owner has been told to trust this server's authority."""
        store = self.folder / ".pki/nssdb"
        if not store.exists():
            store.mkdir(parents=True)
            where = ["-d", f"sql:{store}"]
            run(["certutil", "-N", *where, "--empty-password"], timeout=30)
            run(["certutil", "-A", *where, "-n", "stead", "-t", "C,,", "-i", self.server.ca], timeout=30)
        fixed = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        fixed += [f"--user-data-dir={self.folder / 'browser'}", "--no-proxy-server", "--disable-background-networking"]
        return run([_program("chromium"), *fixed, *words], timeout=90, env={"HOME": str(self.folder)})

    def _password_file(self, name: str) -> Path:
        file = self.folder / f"password-{name}"
        file.touch(mode=0o600)
        file.write_text(self.server.people[name])
        return file
