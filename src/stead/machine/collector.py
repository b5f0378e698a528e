"""The collector: an unprivileged process that writes down what a machine's journal and console say.

Everything it reads is hostile, so memory is bounded whatever comes, and nothing but plain text is written. Started by
path, with handles made by root before: ``collector.py UID LISTEN CONSOLE MACHINE FOLDER``. It imports nothing of Stead.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import sys
import time
from collections.abc import Iterator

#: Bytes of one value that are kept; the rest of it is passed over.
VALUE_LIMIT = 8192
FILE_LIMIT, FILES = 8 << 20, 8
CONSOLE_LIMIT = 128 << 10
_CONNECTIONS = 8
_CHUNK = 65536
_CLOCK_TRUST = 3600.0
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_FIELDS = {
    b"_SYSTEMD_UNIT": "unit",
    b"_UID": "uid",
    b"_EXE": "exe",
    b"PRIORITY": "priority",
    b"MESSAGE": "message",
    b"__REALTIME_TIMESTAMP": "time",
}


class ExportReader:
    """Reads the journal export format piece by piece: ``NAME=value`` lines, binary fields, blank line between entries.

    Only the fields of interest are kept, each cut to ``VALUE_LIMIT``: memory does not depend on what is sent.
    """

    def __init__(self) -> None:
        self._entry: dict[str, bytes] = {}
        self._line = bytearray()
        self._field: bytes | None = None
        self._size = bytearray()
        self._left = 0
        self._value = bytearray()

    def feed(self, data: bytes) -> Iterator[dict[str, bytes]]:
        """Take what arrived, give the entries it completes."""
        at = 0
        while at < len(data):
            if self._left:
                at += self._take_body(data, at)
            elif self._field is not None:
                at += self._take_size(data, at)
            else:
                end = data.find(b"\n", at)
                self._grow(data[at : end if end >= 0 else len(data)])
                at = end + 1 if end >= 0 else len(data)
                if end >= 0 and (entry := self._end_line()):
                    yield entry

    def _grow(self, piece: bytes) -> None:
        self._line += piece[: max(0, VALUE_LIMIT - len(self._line))]

    def _end_line(self) -> dict[str, bytes] | None:
        line, self._line = bytes(self._line), bytearray()
        if not line:
            done, self._entry = self._entry, {}
            return done or None
        name, equals, value = line.partition(b"=")
        if equals:
            self._keep(name, value)
        else:
            self._field = name
        return None

    def _take_size(self, data: bytes, at: int) -> int:
        taken = data[at : at + 8 - len(self._size)]
        self._size += taken
        if len(self._size) == 8:
            self._left = int.from_bytes(self._size, "little") + 1  # a newline ends the value
            self._size.clear()
        return len(taken)

    def _take_body(self, data: bytes, at: int) -> int:
        taken = data[at : at + min(self._left, _CHUNK)]
        self._value += taken[: max(0, VALUE_LIMIT - len(self._value))]
        self._left -= len(taken)
        if not self._left:
            self._keep(self._field or b"", bytes(self._value).removesuffix(b"\n"))
            self._field = None
            self._value.clear()
        return len(taken)

    def _keep(self, name: bytes, value: bytes) -> None:
        known = _FIELDS.get(name)
        if known:
            self._entry[known] = value


def plain(value: bytes | str) -> str:
    """The text without anything that could move a cursor, start a line or turn the reading direction."""
    text = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return _UNPRINTABLE.sub(" ", text).strip()


def as_line(entry: dict[str, bytes], now: float) -> bytes:
    """One entry as a line of JSON. A machine's clock is believed only near our own."""
    stamp = entry.get("time", b"")
    moment = int(stamp) / 1e6 if stamp.isdigit() and len(stamp) < 20 else now
    if abs(moment - now) > _CLOCK_TRUST:
        moment = now
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03d}Z",
        "unit": plain(entry.get("unit", b""))[:256],
        "uid": _small(entry.get("uid", b"")),
        "exe": plain(entry.get("exe", b""))[:256],
        "priority": _small(entry.get("priority", b"")),
        "message": plain(entry.get("message", b"")),
    }
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _small(value: bytes) -> int | None:
    return int(value) if value.isdigit() and len(value) < 11 else None


class Rotated:
    """A file that grows to ``limit`` and is then moved aside; at most ``files`` are kept."""

    def __init__(self, folder: int, name: str, limit: int, files: int) -> None:
        self._folder, self._name, self._limit, self._files = folder, name, limit, files
        self._open()

    def write(self, data: bytes) -> None:
        """Append; what does not fit on the disk is dropped, for a reader that stops would stop the machine."""
        if self._written + len(data) > self._limit:
            self._turn()
        try:
            self._written += os.write(self._file, data)
        except OSError:
            return

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(self._name, flags, 0o600, dir_fd=self._folder)
        self._written = os.fstat(self._file).st_size

    def _turn(self) -> None:
        os.close(self._file)
        for number in range(self._files - 1, 0, -1):
            older = f"{self._name}.{number}"
            newer = f"{self._name}.{number - 1}" if number > 1 else self._name
            try:
                os.rename(newer, older, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            except FileNotFoundError:
                continue
        self._open()


class Collector:
    """The loop over console, connections and the machine's end."""

    def __init__(self, listening: socket.socket, console: int, machine: int, folder: int) -> None:
        self._listening, self._console, self._machine = listening, console, machine
        self._journal = Rotated(folder, "journal.jsonl", FILE_LIMIT, FILES)
        self._console_log = Rotated(folder, "console.log", CONSOLE_LIMIT, 2)
        self._peers: dict[int, tuple[socket.socket, ExportReader]] = {}
        self._poll = select.poll()
        for handle in (listening.fileno(), console, machine):
            self._poll.register(handle, select.POLLIN)

    def run(self) -> None:
        """Collect until the machine is gone and everything it said is written."""
        ending = False
        while True:
            ready = [handle for handle, _ in self._poll.poll(0 if ending else None) if handle != self._machine]
            if ending and not ready:
                return
            if not ready:
                ending = True
                self._poll.unregister(self._machine)
            for handle in ready:
                self._serve(handle)

    def _serve(self, handle: int) -> None:
        if handle == self._console:
            self._read_console()
        elif handle == self._listening.fileno():
            self._accept()
        else:
            self._read(handle)

    def _read_console(self) -> None:
        try:
            data = os.read(self._console, _CHUNK)
        except BlockingIOError:
            return
        self._console_log.write(data)
        if not data:
            self._poll.unregister(self._console)

    def _accept(self) -> None:
        try:
            peer, _ = self._listening.accept()
        except OSError:
            return
        if len(self._peers) >= _CONNECTIONS:
            peer.close()
            return
        peer.setblocking(False)
        self._peers[peer.fileno()] = (peer, ExportReader())
        self._poll.register(peer.fileno(), select.POLLIN)

    def _read(self, handle: int) -> None:
        peer, reader = self._peers[handle]
        try:
            data = peer.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        now = time.time()
        lines = [as_line(entry, now) for entry in reader.feed(data)]
        if lines:
            self._journal.write(b"".join(lines))
        if not data:
            self._poll.unregister(handle)
            peer.close()
            del self._peers[handle]


def main() -> None:
    """Give up root for good, then collect."""
    uid, listening, console, machine, folder = map(int, sys.argv[1:])
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    Collector(socket.socket(fileno=listening), console, machine, folder).run()


if __name__ == "__main__":
    main()
