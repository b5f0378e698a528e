"""Files of a service as files: a folder that looks like the guest's root, copied as it is or with its gaps filled in.

``{{name}}`` is a gap; nothing else is special, so the files stay readable in their own language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from stead.words.declaration import TreeFile

_GAP = re.compile(r"\{\{([a-z_]+)\}\}")


def static(folder: Path) -> tuple[TreeFile, ...]:
    """Every file below ``folder``, at the path it has there; what starts with ``#!`` is made executable."""
    return tuple(_file(folder, path, path.read_bytes()) for path in _files(folder))


def rendered(folder: Path, values: Mapping[str, str]) -> tuple[TreeFile, ...]:
    """Like :func:`static`, with every gap filled from ``values``."""
    return tuple(_file(folder, path, render(path.read_text(), values).encode()) for path in _files(folder))


def render(text: str, values: Mapping[str, str]) -> str:
    """Fill the gaps of ``text``. A gap without a value is a bug: KeyError."""
    return _GAP.sub(lambda gap: values[gap[1]], text)


def enabled(unit: str, target: str = "multi-user.target") -> TreeFile:
    """The link that starts ``unit`` at boot; units of ours lie in /etc, Debian's in /usr/lib."""
    place = "/etc/systemd/system" if unit.startswith("stead-") else "/usr/lib/systemd/system"
    return TreeFile(f"/etc/systemd/system/{target}.wants/{unit}", link=f"{place}/{unit}")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _file(folder: Path, path: Path, content: bytes) -> TreeFile:
    mode = 0o755 if content.startswith(b"#!") else 0o644
    return TreeFile("/" + path.relative_to(folder).as_posix(), content, mode)
