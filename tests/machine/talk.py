"""Small programs that connect and listen, for running inside machines and namespaces."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stead.machine import Answer, ask
from stead.run import run, start
from stead.words.machine import Machine

#: Connects (or sends) to each of argv's JSON list of [family, kind, address, port]; prints what came of each.
TRY = """
import json, socket, sys, time
for family, kind, address, port in json.loads(sys.argv[1]):
    began = time.monotonic()
    try:
        if kind == "icmp":
            s = socket.socket(getattr(socket, family), socket.SOCK_DGRAM, 1 if family == "AF_INET" else 58)
            s.settimeout(2)
            s.sendto((b"\\x08" if family == "AF_INET" else b"\\x80") + bytes(7), (address, 0))
            s.recv(100)
            said = "reached"
        else:
            s = socket.socket(getattr(socket, family), getattr(socket, kind))
            s.settimeout(2)
            s.connect((address, port))
            if kind == "SOCK_DGRAM":
                s.send(b"hello")
                s.recv(100)
            said = "reached"
    except Exception as problem:
        said = type(problem).__name__ + " " + str(problem)
    print(json.dumps([address, port, said, time.monotonic() - began]))
"""

#: Listens on the UDP and TCP ports of argv's JSON list, both families; writes a line to argv[2] for whatever comes.
LISTEN = """
import json, select, socket, sys
out = open(sys.argv[2], "a", buffering=1)
everything = {}
for port in json.loads(sys.argv[1]):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(socket.AF_INET6, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            s.listen()
        everything[s] = (kind, port)
out.write("ready\\n")
while True:
    for s in select.select(list(everything), [], [])[0]:
        kind, port = everything[s]
        if kind == socket.SOCK_STREAM:
            c, peer = s.accept()
            c.close()
        else:
            _, peer = s.recvfrom(100)
            s.sendto(b"yes", peer)
        out.write(f"{kind.name} {port} {peer[0]}\\n")
"""


def attempts(
    machine: Machine, uid: int, targets: list[tuple[str, str, str, int]]
) -> dict[tuple[str, int], tuple[str, float]]:
    """From inside, as guest user ``uid``: address and port to what came of it and how long it took."""
    answer = ask(machine, ["python3", "-c", TRY, json.dumps(targets)], uid=uid, limit=60)
    rows: list[Any] = [json.loads(line) for line in answer.text.splitlines() if line.startswith("[")]
    assert len(rows) == len(targets), answer
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


@contextmanager
def listening(netns: str | None, ports: list[int], log: Path) -> Iterator[Path]:
    """Listeners on all addresses of a namespace (None: this one); what they heard is in ``log``."""
    where = ["nsenter", f"--net=/run/netns/{netns}"] if netns else []
    child = start([*where, sys.executable, "-c", LISTEN, json.dumps(ports), str(log)])
    try:
        until = time.monotonic() + 10
        while not (log.exists() and "ready" in log.read_text()):
            assert child.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        yield log
    finally:
        child.kill()
        child.wait()


def call(netns: str | None, address: str, port: int) -> str:
    """What a server answers to somebody in the namespace, or the error."""
    code = (
        "import socket, sys\n"
        "try: print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 3).recv(100).decode())\n"
        "except OSError as problem: print(type(problem).__name__)\n"
    )
    where = ["nsenter", f"--net=/run/netns/{netns}"] if netns else []
    return run([*where, sys.executable, "-c", code, address, str(port)], timeout=10).out.strip()


def shell(machine: Machine, script: str, uid: int = 0) -> Answer:
    """Run a shell script inside."""
    return ask(machine, ["sh", "-c", script], uid=uid, limit=20)
