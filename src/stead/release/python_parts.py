"""Python parts of a release: fetched by pip on the host (its trust store, its index), every file by its hash, then
unpacked into the tree without running anything of theirs."""

from __future__ import annotations

import os
import sys
import tarfile
import zipfile
from importlib import resources
from pathlib import Path, PurePosixPath

from stead.release.sbom import PYTHON_FOLDER
from stead.run.process import CommandError, run
from stead.words.errors import SteadError

_GUEST_PYTHON = (
    "--python-version",
    "3.13",
    "--implementation",
    "cp",
    "--abi",
    "cp313",
    "--abi",
    "abi3",
    "--abi",
    "none",
)
_PLATFORMS = ("manylinux2014_{}", "manylinux_2_17_{}", "manylinux_2_28_{}")


def fetch(requirements: tuple[str, ...], folder: Path) -> None:
    """Download the named files into ``folder``; what has another hash than the lock says is refused."""
    build = resources.files(__package__).joinpath("python-build.lock").read_text("utf-8")
    tools, unpacked = folder.with_name("build-tools"), folder.with_name("build-tools-unpacked")
    _download(build, tools)
    # pip asks a source archive for its name through its build tool, and would fetch the newest one unchecked.
    for wheel in sorted(tools.iterdir()):
        _unpack_wheel(wheel, unpacked)
    platforms = [word for shape in _PLATFORMS for word in ("--platform", shape.format(os.uname().machine))]
    _download("\n".join(requirements), folder, "--no-build-isolation", *_GUEST_PYTHON, *platforms, python_path=unpacked)


def _download(lock: str, folder: Path, *options: str, python_path: Path | None = None) -> None:
    folder.mkdir(parents=True)
    requirements = folder.with_name(f"{folder.name}.lock")
    requirements.write_text(lock + "\n", "utf-8")
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "download",
    ]
    command = [*pip, "--require-hashes", "--no-deps", *options, "-d", folder, "-r", requirements]
    try:
        run(command, timeout=300, env=_environment(folder.parent, python_path))
    except CommandError as failed:
        raise explain(failed) from failed


def explain(failed: CommandError) -> SteadError:
    """pip's failure in words for the owner."""
    said = failed.result.err if failed.result else failed.message
    lines = [line for line in said.splitlines() if "ERROR" in line or "HASH" in line] or said.splitlines()[-3:]
    if "DO NOT MATCH THE HASHES" in said:
        return SteadError(
            "no new release was built: a Python part from the index is not the one we know:\n" + "\n".join(lines[:6]),
            hint="try again later; if it stays, the index or the way to it is not to be trusted",
        )
    return SteadError(
        "no new release was built: the Python parts could not be fetched:\n" + "\n".join(lines[:6]),
        hint="check the network; pip's own settings (index, proxy, trust) are used",
    )


def install(folder: Path, tree: Path) -> None:
    """Unpack all fetched files into the tree's folder of Python parts."""
    target = tree / PYTHON_FOLDER
    for file in sorted(folder.iterdir()):
        target.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".whl":
            _unpack_wheel(file, target)
        elif file.name.endswith(".tar.gz"):
            _unpack_source(file, target)


def _environment(scratch: Path, python_path: Path | None) -> dict[str, str]:
    proxies = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name in proxies}
    return kept | {"TMPDIR": str(scratch)} | ({"PYTHONPATH": str(python_path)} if python_path else {})


def _unpack_wheel(file: Path, target: Path) -> None:
    with zipfile.ZipFile(file) as wheel:
        if strange := [name for name in wheel.namelist() if name.split("/")[0].endswith(".data")]:
            raise SteadError(f"the Python part {file.name} wants files in other places ({strange[0]})")
        for item in wheel.infolist():
            if not item.is_dir():
                _write(target, PurePosixPath(item.filename), wheel.read(item))


def _unpack_source(file: Path, target: Path) -> None:
    """A source archive of plain Python: its importable folders, and its metadata as an installed part has it."""
    with tarfile.open(file) as archive:
        members = {PurePosixPath(*PurePosixPath(m.name).parts[1:]): m for m in archive.getmembers() if m.isfile()}
        read = {path: archive.extractfile(member) for path, member in members.items()}
        top = next((path for path in read if path.name == "top_level.txt"), None)
        metadata = read.get(PurePosixPath("PKG-INFO"))
        opened = read.get(top) if top else None
        if opened is None or metadata is None or any(path.suffix in (".c", ".pyx", ".rs") for path in read):
            raise SteadError(f"the Python part {file.name} is not plain Python")
        names = opened.read().decode().split()
        for path, content in read.items():
            if path.parts and path.parts[0] in names and content is not None:
                _write(target, path, content.read())
        _write(target, PurePosixPath(f"{file.name.removesuffix('.tar.gz')}.dist-info/METADATA"), metadata.read())


def _write(target: Path, path: PurePosixPath, content: bytes) -> None:
    if path.is_absolute() or ".." in path.parts:
        raise SteadError(f"a Python part wants to write outside of its folder: {path}")
    place = target / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    place.chmod(0o644)
