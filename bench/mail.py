"""1,000 mails into a machine, and into the same programs outside any: ``python bench/mail.py [MAILS]``.

Same versions, same rendered configuration, same senders, one after the other in one run. The bound is half the bare
rate. To tell where the rest goes, both are measured on both kinds of disk (data's btrfs image, and the host's own file
system), with the processor time each mail takes. Needs root; everything is made below a temporary folder.
"""

from __future__ import annotations

import os
import smtplib
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import mean

from bench.mail_bare import Bare, make_data, make_root, running
from tests.rig import releases
from tests.rig.homes import new_home
from tests.rig.load import send
from tests.rig.server import Server, served

from stead import machine, services
from stead.data import ensure_volume, unmount
from stead.machine import naming
from stead.run import kernel
from stead.words.home import Home
from stead.words.progress import Silent

BOUND = 0.5
CONNECTIONS = 8
ROUNDS = 2
_WARM = 60
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 300.0


@dataclass(frozen=True)
class Arm:
    """One set of running programs: how to send to it, where its mail arrives, whose processor time counts."""

    words: str
    connect: Callable[[], smtplib.SMTP]
    data: Path
    leader: Callable[[], int]


@dataclass(frozen=True)
class Measured:
    """Mails a second, acknowledged and in the mailbox; milliseconds of processor for one mail, and of all others'."""

    accepted: float
    delivered: float
    processor: float
    others: float


def measure(arm: Arm, address: str, mails: int, name: str) -> Measured:
    """Send ``mails`` over eight connections and wait until all of them are in the mailbox."""
    before, own = _arrived(arm.data), os.times()
    spent, busy = _processor(arm.leader()), _busy()
    arrived: list[float] = []
    began = time.monotonic()
    wall = time.time()
    watcher = threading.Thread(target=lambda: arrived.append(_wait_for(arm.data, before + mails)))
    watcher.start()
    last = send(arm.connect, address, mails, workers=CONNECTIONS, name=name)[-1].at
    watcher.join()
    now = os.times()
    spent, busy = _processor(arm.leader()) - spent, _busy() - busy
    others = busy - spent - (now.user + now.system - own.user - own.system)
    seconds = arrived[0] - began
    return Measured(mails / (last - wall), mails / seconds, 1000 * spent / mails, 1000 * others / mails)


def _arrived(data: Path) -> int:
    maildir = data / "mail/home/alice/Maildir"
    folders = (maildir / box / kind for box in ("", ".Junk") for kind in ("new", "cur"))
    return sum(len(os.listdir(folder)) for folder in folders if folder.is_dir())


def _wait_for(data: Path, count: int) -> float:
    until = time.monotonic() + _PATIENCE
    while _arrived(data) < count:
        if time.monotonic() > until:
            raise SystemExit(f"only {_arrived(data)} of {count} mails arrived in {data}")
        time.sleep(0.05)
    return time.monotonic()


def _processor(leader: int) -> float:
    """Processor seconds of a process and all that came from it: each one's own, and of the children it has buried."""
    total, left = 0.0, [leader]
    while left:
        pid = left.pop()
        try:
            words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            for task in Path(f"/proc/{pid}/task").iterdir():
                left += map(int, (task / "children").read_text().split())
        except OSError:
            continue
        total += sum(map(int, words[11:15])) / _TICKS
    return total


def _busy() -> float:
    """Processor seconds of the whole computer, kernel threads and strangers with it."""
    spent = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(spent[:3]) + sum(spent[5:7])) / _TICKS


def synced_writes(folder: Path, count: int = 300) -> float:
    """Milliseconds for what each mail costs at least twice: a small file written, synced, and moved to its place."""
    began = time.monotonic()
    for number in range(count):
        draft = folder / f"draft-{number}"
        with draft.open("wb") as file:
            file.write(os.urandom(4500))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(folder / f"done-{number}")
    seconds = time.monotonic() - began
    for number in range(count):
        (folder / f"done-{number}").unlink()
    return 1000 * seconds / count


def of_machine(words: str, server: Server, data: Path) -> Arm:
    return Arm(words, server.inbound, data, lambda: server.machine.leader)


def of_bare(words: str, server: Server, bare: Bare) -> Arm:
    """Its client has the address that senders have in the machine: rspamd trusts none of them more than others."""
    link = naming.link(server.home, "live", machine.saved_plan(server.home, "live").network)
    trust = ssl.create_default_context(cafile=str(server.ca))
    trust.check_hostname = False

    def connect() -> smtplib.SMTP:
        kernel.join_netns(Path(f"/proc/{bare.leader}/ns/net"))  # of this thread alone
        where, source = (link.inside, 25), (link.outside, 0)
        connection = smtplib.SMTP(*where, local_hostname="mx.example.org", timeout=60, source_address=source)
        connection.starttls(context=trust)
        return connection

    return Arm(words, connect, bare.data, lambda: bare.leader)


@contextmanager
def bare_arms(server: Server, base: Path, kept: ExitStack) -> Iterator[tuple[Arm, Arm]]:
    """The bare programs twice: on the host's own file system, and on an image like the one data lies on."""
    plan = machine.saved_plan(server.home, "live")
    link = naming.link(server.home, "live", plan.network)
    make_root(plan, base / "root")
    image = Home.at(base / "image")
    kept.callback(unmount, image)
    ensure_volume(image, size=2 << 30)
    addresses = (f"{link.inside}/30", f"{link.outside}/30")
    for data in (base / "plain", image.data):
        make_data(server.home.data, data, shifted=False)
    on_disk, on_image = (running(base / "root", data, addresses) for data in (base / "plain", image.data))
    with on_disk as disk, on_image as btrfs:
        yield of_bare("bare, on the host's disk", server, disk), of_bare("bare, on a btrfs image", server, btrfs)


def rounds(arms: Sequence[Arm], address: str, mails: int) -> list[Measured]:
    """Every arm warmed up, then in turns; the means."""
    print(f"\n{'':<32}{'accepted':>10}{'delivered':>11}{'processor':>12}{'other work':>12}", flush=True)
    for arm in arms:
        _wait_ready(arm)
        before = _arrived(arm.data)
        send(arm.connect, address, _WARM, workers=CONNECTIONS, name="warm")
        _wait_for(arm.data, before + _WARM)
    found: list[list[Measured]] = [[] for _ in arms]
    for _ in range(ROUNDS):
        for arm, results in zip(arms, found, strict=True):
            one = measure(arm, address, mails, "load")
            results.append(one)
            rates = f"{one.accepted:>8.1f}/s{one.delivered:>9.1f}/s"
            print(f"{arm.words:<32}{rates}{one.processor:>9.1f} ms{one.others:>9.1f} ms", flush=True)
    return [_means(results) for results in found]


def _means(results: Sequence[Measured]) -> Measured:
    return Measured(*(mean(getattr(one, what.name) for one in results) for what in fields(Measured)))


def _wait_ready(arm: Arm) -> None:
    """Until the filter answers, too: before that Postfix takes nothing."""
    failed: list[smtplib.SMTPException | OSError] = []

    def attempt() -> None:  # in a thread of its own, for it may change its network
        try:
            arm.connect().close()
        except (smtplib.SMTPException, OSError) as problem:
            failed.append(problem)

    for _ in range(120):
        failed.clear()
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
        if not failed:
            return
        time.sleep(0.5)
    raise SystemExit(f"{arm.words} does not get ready: {failed[0]}")


def on_plain_disk(server: Server, bare: Arm, data: Path, address: str, mails: int) -> tuple[Measured, Measured]:
    """The machine once more, with data on the host's own file system, and bare beside it once more."""
    plan = machine.saved_plan(server.home, "live")
    make_data(server.home.data, data, shifted=True)
    machine.stop(server.home, "live")
    machine.start(replace(plan, binds=services.binds(data)), Silent())
    unpacked, again = rounds([of_machine("machine, on the host's disk", server, data), bare], address, mails)
    return unpacked, again


def explain(ours: Measured, bare: Measured, on_image: Measured, unpacked: Measured, again: Measured) -> None:
    """Where the rest goes; only figures taken in turns are compared, for strangers' load changes."""
    print("\nwhere the rest goes, as rates of delivery beside bare on the host's disk in the same minutes:")
    print(f"  {ours.delivered / bare.delivered:5.2f}  ours")
    print(f"  {on_image.delivered / bare.delivered:5.2f}  only data on a btrfs image, no machine")
    print(f"  {unpacked.delivered / again.delivered:5.2f}  only the machine (link, layers, sandboxes, log), no image")
    print(f"processor of the programs for one mail: ours {ours.processor:.1f} ms, bare {bare.processor:.1f} ms;")
    print(f"kernel threads and strangers meanwhile: {ours.others:.1f} ms beside ours, {bare.others:.1f} ms beside bare")


def main(mails: int = 1000) -> int:
    release = releases.ensure()
    with tempfile.TemporaryDirectory(prefix="stead-mail-", dir="/var/tmp") as scratch, ExitStack() as kept:
        base = Path(scratch)
        base.chmod(0o755)
        server = kept.enter_context(served(kept.enter_context(new_home(base / "h")()), release))
        address = f"alice@{server.domain}"
        print(f"{mails} mails, {CONNECTIONS} connections, load {os.getloadavg()[0]:.1f} before", flush=True)
        with bare_arms(server, base, kept) as (plain, image):
            for words, folder in (("data's image", server.home.data), ("the host's disk", plain.data)):
                print(f"a small file written, synced, renamed on {words}: {synced_writes(folder):.2f} ms", flush=True)
            arms = [of_machine("machine (on its btrfs image)", server, server.home.data), plain, image]
            ours, bare, on_image = rounds(arms, address, mails)
            unpacked, again = on_plain_disk(server, plain, base / "unpacked", address, mails)
        explain(ours, bare, on_image, unpacked, again)
    ratio = ours.delivered / bare.delivered
    print(f"ratio {ratio:.2f} delivered, {ours.accepted / bare.accepted:.2f} accepted (bound {BOUND})")
    return 0 if ratio >= BOUND else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
