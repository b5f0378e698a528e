"""Logging in to the web programs inside a machine: the guest's side, shared by every service that speaks HTTP.

Not a service. A service that needs it bakes :func:`guest_files` into its own folder of the release.
"""

from __future__ import annotations

from importlib import resources

from stead.words.declaration import TreeFile


def guest_files(
    base: str, package: str = __name__, names: tuple[str, ...] = ("dovecot", "gate", "known", "unread")
) -> tuple[TreeFile, ...]:
    """The modules ``names`` of ``package`` as files below ``base``, where they are imported by the same dotted name.

    The guest has no ``__init__`` files, so each program finds exactly what was baked for it and nothing of the host's.
    """
    folder = f"{base}/{package.replace('.', '/')}"
    source = resources.files(package)
    return tuple(TreeFile(f"{folder}/{name}.py", source.joinpath(f"{name}.py").read_bytes()) for name in names)
