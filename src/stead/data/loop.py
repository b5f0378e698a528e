"""Loop devices, each by its own name. They are shared with every other user of the kernel: only ours are touched."""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path

from stead.run import CommandError, run
from stead.words.errors import SteadError

_LOOP_MAJOR = 7
_TRIES = 8
_GONE_WITHIN = 5.0


def attached(image: Path) -> str | None:
    """The loop device that holds ``image``, or None."""
    found = run(["losetup", "--associated", image, "--noheadings", "--output", "NAME,BACK-FILE"], timeout=20)
    for line in found.out.splitlines():
        name, _, backing = line.strip().partition(" ")
        # A deleted file of the same name is another file: its loop device is not the image we mean.
        if backing.strip() == str(image.resolve()):
            ensure_node(name)
            return name
    return None


def holding(image: Path) -> tuple[str, ...]:
    """Every loop device that still holds a file of this name, deleted ones too: what must be let go of in the end."""
    names = (str(image.resolve()), f"{image.resolve()} (deleted)")
    files = Path("/sys/block").glob("loop*/loop/backing_file")
    return tuple(f"/dev/{file.parent.parent.name}" for file in files if _text(file) in names)


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        # Let go of between the listing and the look.
        return ""


def attach(image: Path) -> tuple[str, str | None]:
    """Attach ``image`` and return its device, and a note if the kernel refused direct I/O."""
    name = _attach(image, direct=True)
    if name:
        return name, None
    name = _attach(image, direct=False)
    if name:
        return name, "direct I/O was refused under the data image: data is cached twice in memory"
    raise SteadError(
        "no loop device could be set up for the data image",
        hint="run `losetup -f` and read its answer; in a container, /dev/loop-control must be there",
    )


def _attach(image: Path, *, direct: bool) -> str | None:
    for _ in range(_TRIES):
        name = run(["losetup", "--find"], timeout=20, hint="is there a /dev/loop-control?").out.strip()
        ensure_node(name)
        try:
            run(["losetup", f"--direct-io={'on' if direct else 'off'}", name, image], timeout=20)
        except CommandError as refused:
            half_done = attached(image)
            if half_done and "busy" not in refused.message:
                detach(half_done)
                return None
            # Another program took this number between our two calls: ask for the next one.
            time.sleep(0.1)
            continue
        return name
    return None


def detach(name: str) -> None:
    """Detach one device by name; nothing else is touched. It goes when its last user lets it go."""
    run(["losetup", "--detach", name], timeout=20)


def let_go(image: Path) -> None:
    """Detach every device that holds a file of this name, and wait a moment for the last user of each.

    Whoever lists the kernel's devices has each of them open for an instant, and the kernel detaches after that.
    """
    for device in holding(image):
        detach(device)
    deadline = time.monotonic() + _GONE_WITHIN
    while holding(image) and time.monotonic() < deadline:
        time.sleep(0.02)


def refresh_size(name: str) -> None:
    """Tell the device that its file has grown."""
    run(["losetup", "--set-capacity", name], timeout=20)


def ensure_node(name: str) -> None:
    """Make the device's node where nobody else does (a container's /dev has none for new loop devices)."""
    match = re.fullmatch(r"/dev/loop(\d+)", name)
    if match and not os.path.exists(name):
        try:
            os.mknod(name, 0o600 | stat.S_IFBLK, os.makedev(_LOOP_MAJOR, int(match[1])))
        except FileExistsError:
            pass
