"""A tiny signed Debian archive on loopback, whose files can be damaged: what a bad mirror looks like to apt."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from stead.run.process import run

_SUITES = (("debian", "trixie"), ("debian", "trixie-updates"), ("debian-security", "trixie-security"))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Archive:
    """``mirror`` is its address while it is served; ``package`` the file of its only (essential) package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keyring = folder / "keyring.gpg"
        self.package = folder / "debian/pool/stone.deb"
        self.mirror = ""
        self._gpg = ("gpg", "--batch", "--quiet", "--homedir", str(folder / "gpg"))
        (folder / "gpg").mkdir(parents=True, mode=0o700)
        self._run(*self._gpg, "--passphrase", "", "--quick-gen-key", "test@stead.test", "ed25519", "sign", "never")
        self._run(*self._gpg, "--export", "--output", str(self.keyring))
        self._make_package()
        for name, suite in _SUITES:
            self._make_suite(folder / name, suite)

    @contextmanager
    def served(self) -> Iterator[None]:
        handler = functools.partial(_Quiet, directory=str(self.folder))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.mirror = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
            run(["gpgconf", "--homedir", self.folder / "gpg", "--kill", "all"], timeout=30, expect=())

    def spoil_signature(self) -> None:
        """Change a signed file after it was signed, in every suite."""
        for name, suite in _SUITES:
            file = self.folder / name / "dists" / suite / "InRelease"
            file.write_text(file.read_text().replace("Origin: Stone", "Origin: Glass"))

    def _make_package(self) -> None:
        control = self.folder / "stone/DEBIAN/control"
        control.parent.mkdir(parents=True)
        architecture = self._run("dpkg", "--print-architecture").strip()
        control.write_text(
            f"Package: stone\nVersion: 1\nArchitecture: {architecture}\nEssential: yes\nPriority: required\n"
            "Maintainer: test <test@stead.test>\nDescription: a stone\n"
        )
        (self.folder / "stone/stone").write_text("stone\n" * 1000)
        self.package.parent.mkdir(parents=True)
        self._run("dpkg-deb", "--root-owner-group", "-b", str(self.folder / "stone"), str(self.package))
        self.control, self.architecture = control.read_text(), architecture

    def _make_suite(self, root: Path, suite: str) -> None:
        listing = root / "dists" / suite / "main" / f"binary-{self.architecture}" / "Packages"
        listing.parent.mkdir(parents=True)
        content = self.package.read_bytes()
        listing.write_text(
            f"{self.control}Filename: pool/stone.deb\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
            if suite == "trixie"
            else ""
        )
        text = listing.read_bytes()
        release = root / "dists" / suite / "Release"
        release.write_text(
            f"Origin: Stone\nSuite: {suite}\nCodename: {suite}\nDate: Sat, 09 Aug 2025 00:00:00 UTC\n"
            f"Architectures: {self.architecture}\nComponents: main\nSHA256:\n"
            f" {hashlib.sha256(text).hexdigest()} {len(text)} main/binary-{self.architecture}/Packages\n"
        )
        self._run(*self._gpg, "--clearsign", "--output", str(release.with_name("InRelease")), str(release))

    @staticmethod
    def _run(*words: str) -> str:
        return run(words, timeout=60).out
