"""The package list of a release as CycloneDX JSON, from dpkg's status file and the Python parts' own metadata."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from email.message import Message

PYTHON_FOLDER = "usr/lib/stead/python"


@dataclass(frozen=True)
class Package:
    """One installed package. ``kind`` is ``deb`` or ``pypi``; ``source`` the Debian source package."""

    kind: str
    name: str
    version: str
    architecture: str = ""
    source: str = ""


def installed_packages(tree: Path) -> tuple[Package, ...]:
    """Everything installed in a tree, sorted."""
    status = (tree / "var/lib/dpkg/status").read_text("utf-8")
    debian = [_debian(block) for block in status.split("\n\n") if "\nStatus: install ok installed" in f"\n{block}"]
    python = [_python(file) for file in (tree / PYTHON_FOLDER).glob("*.dist-info/METADATA")]
    return tuple(sorted([*debian, *python], key=lambda package: (package.kind, package.name, package.version)))


def cyclonedx(release: str, packages: tuple[Package, ...]) -> bytes:
    """The software bill of materials; without time or random number: equal releases have equal ones."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "operating-system", "name": "stead-release", "version": release}},
        "components": [_component(package) for package in packages],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _debian(block: str) -> Package:
    fields = _headers(block)
    source = fields["Source"] or fields["Package"]
    return Package("deb", fields["Package"], fields["Version"], fields["Architecture"], source.split(" ")[0])


def _python(metadata: Path) -> Package:
    fields = _headers(metadata.read_text("utf-8"))
    return Package("pypi", fields["Name"], fields["Version"])


def _component(package: Package) -> dict[str, Any]:
    name, version = quote(package.name.lower(), safe=".-"), quote(package.version, safe=".-+~")
    purl = f"pkg:pypi/{name}@{version}"
    if package.kind == "deb":
        purl = f"pkg:deb/debian/{name}@{version}?arch={package.architecture}&distro=debian-13"
    component = {"type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl}
    return component | ({"properties": [{"name": "debian:source", "value": package.source}]} if package.source else {})


def _headers(text: str) -> Message:
    from email.parser import HeaderParser  # noqa: PLC0415 - only a build needs it

    return HeaderParser().parsestr(text)
