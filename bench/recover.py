"""``stead recover`` on a fresh Debian 13 computer: until it serves, until all is there, and how long the pause is.

Beside it: ``apt-get install`` of the computer's packages alone. Bounds: serving within 180 s from nothing and 60 s with
the program installed; at most 1.3 times that with ten times the data; a pause of at most 5 s.
``bench/recover.py [FACTOR]``.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench.filling import fill
from tests.rig import releases
from tests.rig.homes import new_home
from tests.rig.hosts import Host, fresh_host, put_clone
from tests.rig.lost import SECRET
from tests.rig.releases import REPOSITORY
from tests.rig.server import PASSWORD, served

from stead import live
from stead.kit import kit_of, write_kit
from stead.run import run
from stead.words.progress import Silent
from stead.words.verdict import Verdict

_SETTINGS = '[data]\nfirst_size = "{size}GB"\n\n[[place]]\nname = "attic"\nurl = "{place}"\n'

#: Runs inside: appends letters all the time; says at the end how many, the longest time between two (the first counts
#: from its start), the last problem.
_WRITER = """
import imaplib, json, pathlib, ssl, sys, time
last, longest, count, refused = time.monotonic(), 0.0, 0, "it was never asked"
while not pathlib.Path("/root/stop").exists():
    try:
        port = int(json.loads(pathlib.Path("/root/port").read_text()))
        with imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=ssl._create_unverified_context(), timeout=20) as imap:
            imap.login("alice", sys.argv[1])
            while not pathlib.Path("/root/stop").exists():
                answer, said = imap.append("INBOX", "", "", b"Subject: x\\r\\n\\r\\nx\\r\\n")
                if answer != "OK":
                    raise OSError(f"{answer} {said}")
                now, count = time.monotonic(), count + 1
                longest, last = max(longest, now - last), now
                time.sleep(0.05)
    except Exception as problem:
        refused = repr(problem)
        time.sleep(0.05)
print(json.dumps([count, round(longest, 2), refused]))
"""

_LEAST = 100


def lose(folder: Path, factor: int) -> Path:
    """A server with so much in it, backed up to ``folder/attic`` and taken away; its kit."""
    release = releases.ensure()
    with new_home(folder / "h")() as home:
        home.etc.mkdir(parents=True)
        home.settings_file.write_text(_SETTINGS.format(size=4 * factor + 4, place=folder / "attic"))
        with served(home, release) as server:
            fill(server, factor)
            server.settle()
            (saving,) = live.backup(home, server.settings, Silent())
            if saving.verdict is not Verdict.PASS:
                raise SystemExit(saving.reason)
            return write_kit(kit_of(home, server.settings), SECRET, folder)


def apt_alone(folder: Path) -> float:
    """Seconds for the computer's packages alone, on a computer of its own."""
    text = (REPOSITORY / "stead").read_text()
    packages = re.search(r'^PACKAGES="([^"]*)"', text, re.MULTILINE)
    assert packages is not None
    with fresh_host(folder / "hosts", "trixie") as host:
        wanted = f"{packages[1]} python3 python3-venv".replace("\n", " ")
        install = f"apt-get -q update && apt-get -q -y install --no-install-recommends {wanted}"
        began = time.monotonic()
        host.run("sh", "-c", install, timeout=600)
        return time.monotonic() - began


def recovered(host: Host, command: str) -> tuple[float, float, float]:
    """Seconds until it serves, until all is there, and the longest pause a writer saw."""
    said: list[str] = []
    for file in ("stop", "port"):
        (host.root / "root" / file).unlink(missing_ok=True)
    (host.root / "root/writer.py").write_text(_WRITER)
    line = ["python3", "/root/writer.py", PASSWORD]
    began = time.monotonic()
    serving = 0.0
    work = threading.Thread(
        target=lambda: host.run(command, "recover", "/root/kit.age", "--passphrase-file", "-", timeout=3600,
                                stdin=SECRET + "\n")
    )  # fmt: skip
    work.start()
    while not serving:
        state = host.root / "var/lib/stead/recovery.json"
        if state.exists() and json.loads(state.read_text())["serving_after"] is not None:
            serving = time.monotonic() - began
        time.sleep(0.1)
        if not work.is_alive():
            raise SystemExit("it ended before it served")
    at = json.loads(host.run("stead", "endpoints", "--json").out)
    (host.root / "root/port").write_text(str(at["imaps"]).rsplit(":", 1)[1])
    writer = threading.Thread(target=lambda: said.append(host.run(*line, timeout=3600).out))
    writer.start()
    work.join()
    whole = time.monotonic() - began
    time.sleep(2)
    (host.root / "root/stop").touch()
    writer.join()
    count, pause, refused = json.loads(said[0])
    if count < _LEAST:
        raise SystemExit(f"the writer could write {count} letters only, so no pause was measured: {refused}")
    return serving, whole, pause


def measure(folder: Path, factor: int) -> list[float]:
    """Both ways with this much data; prints the row and returns the seconds until it served."""
    kit = lose(folder, factor)
    (folder / "hosts").mkdir(exist_ok=True)
    with fresh_host(folder / "hosts", "trixie", shown=(folder / "attic",)) as host:
        run(["cp", kit, host.root / "root/kit.age"], timeout=30)
        put_clone(host)
        serving = []
        for words, command in (("from nothing", "/root/stead/stead"), ("program installed", "stead")):
            served_after, whole, pause = recovered(host, command)
            serving.append(served_after)
            print(f"| {factor} GB, {words} | {served_after:.1f} | {whole:.1f} | {pause:.1f} |", flush=True)
            host.run("stead", "down", timeout=200)
            host.run("sh", "-c", "rm -rf /var/lib/stead /etc/stead /run/stead", timeout=200)
    return serving


def main(factor: int) -> None:
    with tempfile.TemporaryDirectory(prefix="stead-bench-", dir="/var/tmp") as name:
        print(f"apt-get install of the computer's packages alone: {apt_alone(Path(name)):.1f} s\n")
        print("| data | serving after s | all there after s | longest pause s |\n|---|---|---|---|")
        rows = []
        for number, size in enumerate(dict.fromkeys((1, factor))):
            folder = Path(name) / str(number)
            folder.mkdir()
            rows.append(measure(folder, size))
        if factor > 1:
            for words, once, more in zip(("from nothing", "program installed"), *rows, strict=True):
                print(f"\n{factor} times the data, {words}: {more / once:.2f} times the time (at most 1.3)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
