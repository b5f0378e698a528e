"""A small computer of the test's own: its processes and its network are apart, so it can be switched off and cut off.

The keeper and its guard run in it as they do on a host without systemd. The test stands outside, at the other end of
its one cable.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stead.keeper import running
from stead.run import run, start
from stead.words.home import Home


class Computer:
    """One computer; ``outside`` is the test's address as it sees it."""

    def __init__(self, home: Home, name: str, outside: str, inside: str) -> None:
        self.home, self.name, self.outside, self.inside = home, name, outside, inside
        self._power = 0
        self._ended: Callable[[], int | None] = lambda: 0

    def on(self) -> None:
        """Switch it on: the guard starts, and the keeper."""
        words = [sys.executable, "-m", "stead.keeper.guard", "--home", str(self.home.lib.parent)]
        inner = 'trap "" CHLD; "$@" & exec sleep 86400'
        apart = ["ip", "netns", "exec", self.name, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        child = start([*apart, "sh", "-c", inner, "sh", *words], env=running.environment())
        self._power, self._ended = child.pid, child.poll

    def off(self) -> None:
        """Cut its power."""
        if self._power:
            os.kill(self._power, signal.SIGKILL)
            until = time.monotonic() + 20
            while self._ended() is None and time.monotonic() < until:
                time.sleep(0.05)
            self._power = 0

    def cable(self, state: str) -> None:
        """``up`` or ``down``."""
        run(["ip", "link", "set", f"{self.name}o", state], timeout=10)

    def signal(self, number: signal.Signals, *roles: str) -> None:
        """Send a signal to the keeper or the guard, inside."""
        pids = [str(running.holder(self.home, role)) for role in roles]
        first = Path(f"/proc/{self._power}/task/{self._power}/children").read_text().split()[0]
        run(["nsenter", "-t", first, "-p", "-m", "kill", f"-{int(number)}", *pids], timeout=10)


@contextmanager
def computer(home: Home) -> Iterator[Computer]:
    """A computer with a cable to us, still off; nothing of it is left afterwards."""
    name, net = f"sa{os.urandom(3).hex()}", os.urandom(1)[0] & 0xFC
    outside, inside = f"10.231.77.{net + 1}", f"10.231.77.{net + 2}"
    one = Computer(home, name, outside, inside)
    run(["ip", "netns", "add", name], timeout=10)
    try:
        cable = ["ip", "link", "add", f"{name}o", "type", "veth", "peer", "name", f"{name}i", "netns", name]
        run(cable, timeout=10)
        run(["ip", "addr", "add", f"{outside}/30", "dev", f"{name}o"], timeout=10)
        for args in (["addr", "add", f"{inside}/30", "dev", f"{name}i"], ["link", "set", f"{name}i", "up"]):
            run(["ip", "-n", name, *args], timeout=10)
        run(["ip", "-n", name, "link", "set", "lo", "up"], timeout=10)
        one.cable("up")
        yield one
    finally:
        one.off()
        run(["ip", "link", "del", f"{name}o"], timeout=10, expect=())
        run(["ip", "netns", "del", name], timeout=10, expect=())
