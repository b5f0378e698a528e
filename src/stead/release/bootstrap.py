"""mmdebstrap, the one program that makes a tree from Debian's signed archive, and the reasons why it may fail."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from stead.release.accounts import EPOCH, account_lines
from stead.release.recipe import Recipe
from stead.run.process import CommandError, run
from stead.words.errors import SteadError

DEFAULT_MIRROR = "http://deb.debian.org"
_KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp")
_HOUR = 3600.0
#: A mount namespace and a process namespace of its own, both gone at once when we are killed: no mount and no half-dead
#: package script is ever left behind.
GUARD = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"),
)

#: Never looked at inside a machine; left out while unpacking, which is cheaper than removing.
_LEFT_OUT = (
    *("man/*", "info/*", "locale/*", "lintian/*", "bug/*", "bash-completion/*", "zsh/*", "pixmaps/*", "icons/*"),
    *("doc/*", "doc-base/*", "menu/*", "polkit-1/*", "fish/*", "gtk-doc/*", "help/*"),
)

#: Debian's answers at installation. Postfix must not write a configuration with this host's name in it.
_ANSWERS = "postfix postfix/main_mailer_type select No configuration\n"

#: Signs of a cause in what apt says, in this order, with our words and the next thing to try.
_CAUSES = (
    (("failed to execute mmdebstrap",), "mmdebstrap is not on this host", "apt-get install mmdebstrap"),
    (("No space left on device",), "the disk is full", "free some space and try again"),
    (
        ("NO_PUBKEY", "is not signed", "BADSIG", "The following signatures were invalid", "invalid signature"),
        "the archive's signature is not valid for the keys of this host",
        "update the package debian-archive-keyring; if it is new, the mirror is not to be trusted",
    ),
    (
        ("Hash Sum mismatch", "Size mismatch", "File has unexpected size", "unexpected end of file"),
        "a file from the mirror is damaged or incomplete",
        "try again in some minutes, or set STEAD_MIRROR to another mirror",
    ),
    (
        ("Unable to locate package", "has no installation candidate"),
        "the mirror does not have a package that is needed",
        "check that the mirror is complete",
    ),
    (
        ("Could not connect", "Could not resolve", "Temporary failure resolving", "Connection failed", "timed out"),
        "the mirror does not answer",
        "check the network, or set STEAD_MIRROR to another mirror",
    ),
    (
        ("Failed to fetch", "does not have a Release file", "404  Not Found"),
        "the mirror does not have what is needed",
        "check the network, or set STEAD_MIRROR to another mirror",
    ),
)


@dataclass(frozen=True)
class Bootstrap:
    """One run of mmdebstrap: ``tree`` must not exist yet; ``work`` is a scratch folder beside it, removed later."""

    recipe: Recipe
    tree: Path
    work: Path

    def build(self) -> None:
        """Make the tree, and put the packages that are wanted as files only (restic) into ``work``.

        Raises :class:`SteadError` in plain words when the mirror is down, damaged or not to be trusted.
        """
        self._write_inputs()
        mirror = self.recipe.mirror or DEFAULT_MIRROR
        try:
            said = run([*GUARD, "mmdebstrap", *self._options()], timeout=_HOUR, env=self._environment())
        except CommandError as failed:
            if failed.result is None:
                raise
            raise explain(failed.result.err, mirror) from failed
        refuse_unmounted(said.err)

    def _options(self) -> list[str]:
        options = ["--mode=root", "--variant=essential", "--format=directory", f"--aptopt={self.work / 'apt.conf'}"]
        options += [f"--dpkgopt=path-exclude=/usr/share/{pattern}" for pattern in _LEFT_OUT]
        options += ["--dpkgopt=path-include=/usr/share/doc/*/copyright"]
        options += [f"--include={','.join(self.recipe.packages)}"] if self.recipe.packages else []
        options += [f"--essential-hook={self.work / 'essential-hook'}", f"--customize-hook={self.work / 'last-hook'}"]
        return [*options, self.recipe.suite, str(self.tree), str(self.work / "sources.list")]

    def _environment(self) -> dict[str, str]:
        proxies = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
        passed = {name: os.environ[name] for name in proxies if name in os.environ}
        # Python's compiled files depend on the hash seed; everything else that knows of reproducible builds on EPOCH.
        return passed | {"SOURCE_DATE_EPOCH": str(EPOCH), "PYTHONHASHSEED": "0", "TMPDIR": str(self.work)}

    def _write_inputs(self) -> None:
        self.work.mkdir(mode=0o711, exist_ok=True)
        (self.work / "sources.list").write_text(sources(self.recipe), "utf-8")
        _private(self.work / "apt.conf", host_apt_settings())
        for name, lines in account_lines(self.recipe).items():
            _private(self.work / name, lines)
        (self.work / "answers").write_text(_ANSWERS, "utf-8")
        here = shlex.quote(str(self.work))
        _script(
            self.work / "essential-hook",
            f'for f in passwd shadow group gshadow; do cat {here}/$f >> "$1/etc/$f"; done',
            f'chroot "$1" debconf-set-selections < {here}/answers',
        )
        _script(
            self.work / "last-hook",
            f"mkdir -m 0777 {here}/debs && cd {here}/debs",
            'APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -q download restic',
        )


def sources(recipe: Recipe) -> str:
    """The archive's parts, each bound to the keyring of this host."""
    mirror, keys = (recipe.mirror or DEFAULT_MIRROR).rstrip("/"), keyring()
    parts = (
        ("debian", recipe.suite),
        ("debian", f"{recipe.suite}-updates"),
        ("debian-security", f"{recipe.suite}-security"),
    )
    return "".join(f"deb [signed-by={keys}] {mirror}/{folder} {suite} main\n" for folder, suite in parts)


def keyring() -> Path:
    """Debian's public keys on this host, or those named by STEAD_KEYRING (a mirror of one's own, with its own key)."""
    named = os.environ.get("STEAD_KEYRING")
    for candidate in (named,) if named else _KEYRINGS:
        if Path(candidate).is_file():
            return Path(candidate)
    raise SteadError(
        f"Debian's public keys are not on this host ({named or _KEYRINGS[0]})",
        hint="apt-get install debian-archive-keyring",
    )


def host_apt_settings() -> str:
    """How this host's own apt reaches the world (proxies, trust, address family), for the one that builds the tree."""
    wanted = ("Acquire::http::", "Acquire::https::", "Acquire::ForceIPv", "Acquire::Retries")
    dump = run(["apt-config", "dump"], timeout=30).out.splitlines()
    kept = [line for line in dump if line.startswith(wanted) and not line.endswith(' "";')]
    return "\n".join(['Acquire::Retries "2";', 'Acquire::http::Timeout "30";', *kept]) + "\n"


def refuse_unmounted(log: str) -> None:
    """Package scripts that found no /proc did less than they should have, and said nothing: such a tree is refused."""
    if "W: skipping mount proc" in log or "W: cannot execute mount" in log:
        raise SteadError(
            "no new release was built: /proc could not be mounted for the packages' scripts",
            hint="apt-get install mount; inside a container, allow it to mount",
        )


def explain(log: str, mirror: str) -> SteadError:
    """The failure of a build in words for its owner, from what apt and dpkg said."""
    for signs, words, hint in _CAUSES:
        line = next((line for line in log.splitlines() if any(sign in line for sign in signs)), None)
        if line is not None:
            return SteadError(f"no new release was built: {words} ({mirror}): {line.strip()[:300]}", hint=hint)
    tail = "\n".join(log.strip().splitlines()[-12:])
    return SteadError(f"no new release was built: the packages could not be installed from {mirror}:\n{tail}")


def _private(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")


def _script(file: Path, *lines: str) -> None:
    file.write_text("\n".join(["#!/bin/sh", "set -eu", *lines]) + "\n", "utf-8")
    file.chmod(0o755)
