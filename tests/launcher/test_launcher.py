"""The launcher with a tiny program in place of the real one, fakes on PATH, and folders of its own over /opt."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from stead.keeper.host import PACKAGES
from stead.run import Result, run

ROOT = Path(__file__).parents[2]
needs_root = pytest.mark.root
DEBIAN = 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n'
PROGRAM = "import os, sys\nprint('program', *sys.argv[1:])\nprint('prepared', os.environ.get('STEAD_PREPARED'))\n"


class Clone:
    """A copy of the launcher beside a program that only says how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder / "clone", folder / "bin"
        (self.folder / "src/stead/cli").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(ROOT / "stead", self.folder)
        (self.folder / "requirements.lock").write_text("")
        (self.folder / "src/stead/__init__.py").write_text('__version__ = "9.9"\n')
        (self.folder / "src/stead/cli/__main__.py").write_text(PROGRAM)
        self.release = folder / "os-release"
        self.release.write_text(DEBIAN)
        self.opt, self.local = folder / "opt", folder / "local"
        self.opt.mkdir()
        self.local.mkdir()

    def fake(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)

    def run(self, *args: str, before: str = "", **env: str) -> Result:
        """Run it where /opt and /usr/local/bin are ours; ``before`` is shell in that mount namespace."""
        mounts = f"mount --bind {self.opt} /opt; mount --bind {self.local} /usr/local/bin; {before}"
        command = ["unshare", "--mount", "sh", "-c", f'{mounts} exec "$@"', "sh", str(self.folder / "stead"), *args]
        path = f"{self.bin}:/usr/sbin:/usr/bin:/sbin:/bin"
        fixed = {"PATH": path, "STEAD_OS_RELEASE": str(self.release)}
        return run(command, timeout=300, expect=(), env={**fixed, **env})


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty Python environment: making one takes seconds, copying it none."""
    made = tmp_path_factory.mktemp("environment") / "venv"
    run(["/usr/bin/python3", "-m", "venv", made], timeout=120)
    return made


@pytest.fixture
def clone(tmp_path: Path, environment: Path) -> Clone:
    clone = Clone(tmp_path)
    clone.fake("python3", f'[ "$2" != venv ] || exec cp -a {environment} "$3"\nexec /usr/bin/python3 "$@"')
    clone.fake("dpkg-query", f'for p in {" ".join(PACKAGES)}; do echo "ii $p"; done')
    clone.fake("apt-get", 'echo called: "$@" >>$0.log')
    return clone


def test_both_lists_of_packages_are_the_same() -> None:
    script = (ROOT / "stead").read_text()
    listed = script.partition('PACKAGES="')[2].partition('"')[0].split()
    assert tuple(listed) == PACKAGES


@needs_root
def test_with_a_home_it_runs_from_the_clone_and_installs_nothing(clone: Clone, tmp_path: Path) -> None:
    (clone.bin / "python3").unlink()
    home = str(tmp_path / "home")
    first = clone.run("up", "--home", home)
    assert first.code == 0 and first.out.splitlines()[0] == f"program up --home {home}"
    assert list(clone.opt.iterdir()) == list(clone.local.iterdir()) == []
    assert "preparing the program" in first.err
    second = clone.run("status", STEAD_HOME=home)
    assert second.out.splitlines()[0] == "program status" and second.err == ""
    prepared = Path(second.out.splitlines()[1].removeprefix("prepared "))
    assert json.loads(prepared.read_text())["whole"] is False


@needs_root
def test_up_installs_beside_and_switches_and_the_clone_can_go(clone: Clone) -> None:
    first = clone.run("up", "--domain", "example.org")
    assert first.out.splitlines()[0] == "program up --domain example.org", first.err
    opt = clone.opt / "stead"
    old = os.readlink(opt / "current")
    assert old.startswith("9.9-") and os.readlink(clone.local / "stead") == "/opt/stead/current/bin/stead"
    (clone.folder / "src/stead/cli/__main__.py").write_text(PROGRAM.replace("program", "newer"))
    second = clone.run("up")
    assert second.out.splitlines()[0] == "newer up"
    assert os.readlink(opt / "current") != old and (opt / old).is_dir()
    shutil.rmtree(clone.folder / "src")
    gone = clone.run("status", before="set -- /usr/local/bin/stead status;")
    assert gone.out.splitlines()[0] == "newer status"


@needs_root
def test_old_programs_go_but_not_the_last_ones(clone: Clone) -> None:
    for number in range(4):
        old = clone.opt / f"stead/9.8-{number:012}"
        old.mkdir(parents=True)
        os.utime(old, (number, number))
    assert clone.run("up").code == 0
    kept = {entry.name for entry in (clone.opt / "stead").iterdir() if entry.name.startswith("9.")}
    assert kept == {"9.8-000000000003", "9.8-000000000002", os.readlink(clone.opt / "stead/current")}


@needs_root
def test_a_half_made_environment_is_made_again(clone: Clone, tmp_path: Path) -> None:
    clone.run("status", "--home", str(tmp_path))
    (made,) = [entry for entry in (clone.folder / ".stead-env").iterdir() if entry.is_dir()]
    (made / "ready").unlink()
    shutil.rmtree(made / "venv/lib")
    assert clone.run("status", "--home", str(tmp_path)).code == 0


@needs_root
@pytest.mark.parametrize("verb", ["up", "recover"])
def test_missing_packages_are_installed_and_the_time_is_kept(clone: Clone, verb: str) -> None:
    clone.fake("dpkg-query", "exit 1")
    result = clone.run(verb, "--home", str(clone.folder.parent / "h"))
    assert result.code == 0 and "installing Debian packages" in result.err
    called = (clone.bin / "apt-get.log").read_text()
    assert "install" in called and "mmdebstrap" in called and "DPkg::Lock::Timeout" in called
    prepared = json.loads(Path(result.out.splitlines()[1].removeprefix("prepared ")).read_text())
    assert prepared["whole"] is True and prepared["program_seconds"] >= 0


@needs_root
@pytest.mark.parametrize(("failures", "code"), [(2, 0), (9, 1)])
def test_an_index_that_did_not_load_is_asked_for_again_and_the_reason_is_said(
    clone: Clone, failures: int, code: int
) -> None:
    clone.fake("dpkg-query", "exit 1")
    clone.fake("sleep", ":")
    clone.fake(
        "apt-get",
        f"""echo called: "$@" >>$0.log
case "$*" in
*update*) [ $(grep -c update $0.log) -gt {failures} ] && exit 0; echo 'E: no route to the mirror'; exit 100 ;;
*) [ $(grep -c update $0.log) -gt {failures} ] || {{ echo 'E: Unable to locate package'; exit 100; }} ;;
esac""",
    )
    result = clone.run("up", "--home", str(clone.folder.parent / "h"))
    assert result.code == code, result.err
    assert "the package index did not load (E: no route to the mirror); asked again in 5 s" in result.err
    assert ("could not be installed: the index did not load: E: no route to the mirror" in result.err) is (code == 1)


@needs_root
@pytest.mark.parametrize(
    ("fakes", "words", "next_step"),
    [
        ({"id": "echo 1000"}, "this needs root, and there is no sudo here", "become root"),
        ({"uname": "echo riscv64"}, "processor (riscv64) is not supported", "64-bit"),
        (
            {"df": "echo x; echo /dev/x 1 1 2048000 1 /"},
            "6000 MB of free disk are needed under",
            "make room",
        ),
        (
            {"dpkg-query": "exit 1", "apt-get": "echo 'E: Unable to fetch some archives'; exit 100"},
            "the packages could not be installed: the index did not load: E: Unable to fetch some archives",
            "see that the network",
        ),
    ],
)
def test_each_failure_is_one_sentence_with_its_next_step(
    clone: Clone, tmp_path: Path, fakes: dict[str, str], words: str, next_step: str
) -> None:
    for name, script in {"sleep": ":", **fakes}.items():
        clone.fake(name, script)
    result = clone.run("up", "--home", str(tmp_path / "h"))
    assert result.code in (1, 2) and result.out == ""
    told = [line for line in result.err.splitlines() if line.startswith(("stead: ", "  next: "))]
    assert len(told) == 2 and words in told[0] and next_step in told[1], result.err


@needs_root
@pytest.mark.parametrize(("distribution", "fits"), [("ID=debian\nVERSION_ID=12", True), ("ID=fedora", False)])
def test_only_known_distributions(clone: Clone, tmp_path: Path, distribution: str, fits: bool) -> None:
    clone.release.write_text(distribution + "\nPRETTY_NAME='This One'\n")
    result = clone.run("up", "--home", str(tmp_path / "h"))
    assert (result.code == 0) is fits
    assert fits or "this computer runs This One" in result.err


@needs_root
def test_no_network_for_the_libraries(clone: Clone, tmp_path: Path) -> None:
    (clone.folder / "requirements.lock").write_text("click==8.1.8 --hash=sha256:" + "0" * 64 + "\n")
    offline = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"}
    result = clone.run("status", "--home", str(tmp_path), **offline)
    assert result.code == 1 and "the program's libraries could not be fetched: ERROR:" in result.err
    assert "see that the network and pypi.org work" in result.err


@needs_root
def test_python_too_old_or_missing(clone: Clone, tmp_path: Path) -> None:
    clone.fake("python3", "exit 1")
    for name in ("python3.11", "python3.12", "python3.13"):
        clone.fake(name, "exit 1")
    cover = f"mount --bind {clone.bin}/python3 /usr/bin/python3;"
    result = clone.run("status", "--home", str(tmp_path), before=cover)
    assert result.code == 1 and "Python 3.11 or newer is needed" in result.err and "./stead up" in result.err


@needs_root
def test_it_asks_for_root_itself(clone: Clone, tmp_path: Path) -> None:
    clone.fake("id", "echo 1000")
    clone.fake("sudo", 'echo sudo "$@"')
    result = clone.run("up", "--home", str(tmp_path), SSL_CERT_FILE="/x", PIP_CERT="/y")
    trust = "SSL_CERT_FILE=/x PIP_CERT=/y "
    assert result.out.split() == f"sudo -- env {trust}{clone.folder}/stead up --home {tmp_path}".split()
