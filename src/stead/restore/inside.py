"""Putting things back inside the live machine: as the service's own user, through the service's own program.

The host enters the machine, so no password and no account of ours is needed there, and root never writes among files
that belong to others. What is sent are frames: a line of JSON, then so many bytes. What is answered is not trusted.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, TimeoutExpired  # noqa: TID251  (the types of what the machine room starts)
from typing import IO, Any

from stead import machine
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.machine import Machine

_GUEST = Path(__file__).with_name("guest")
_PIECE = 1 << 18
#: What a machine may answer in all, and the seconds it gets for its last answers.
_ANSWER, _PATIENCE = 16 << 20, 120.0


@dataclass(frozen=True)
class Gift:
    """One thing to be put back: what the guest's program is told, and the content (None: there is none)."""

    about: Mapping[str, object]
    content: IO[bytes] | None = None
    size: int = 0


def live(home: Home) -> Machine:
    """The live machine; SteadError when it does not run: nothing can be put back then."""
    found = machine.find(home, "live")
    if found is None:
        raise SteadError("the server is not running, so nothing can be put back into it", hint="start it: stead up")
    return found


def put(running: Machine, script: str, uid: int, job: Mapping[str, object], gifts: Iterable[Gift]) -> Iterator[Any]:
    """Run the guest's ``script`` as guest user ``uid`` and give it ``gifts``; its answers, one for each, in order.

    SteadError when it ends early or answers nonsense.
    """
    with Visit(running, script, uid, job) as visit:
        yield from visit.give(gifts)


class Visit:
    """A guest's program, started and waiting: it gets ready while the host still searches."""

    def __init__(self, running: Machine, script: str, uid: int, job: Mapping[str, object]) -> None:
        source = (_GUEST / f"{script}.py").read_text()
        self._child = machine.talk(running, ["/usr/bin/python3", "-I", "-c", source], uid=uid)
        self._answers = Answers(self._child)
        _send(self._child, json.dumps(job).encode() + b"\n")

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_ended: object) -> None:
        _end(self._child)

    def give(self, gifts: Iterable[Gift]) -> Iterator[Any]:
        """Give it everything; its answers, one for each, in order. Once only."""
        yield from self._answers.collect(_give(self._child, gifts))


def _send(child: Popen[bytes], line: bytes) -> None:
    # A pipe broken on the way is told by the answers that are missing.
    with suppress(BrokenPipeError):
        assert child.stdin is not None
        child.stdin.write(line)
        child.stdin.flush()


def _give(child: Popen[bytes], gifts: Iterable[Gift]) -> int:
    assert child.stdin is not None
    count = 0
    with suppress(BrokenPipeError):
        for gift in gifts:
            count += 1
            child.stdin.write(json.dumps({**gift.about, "size": gift.size}).encode() + b"\n")
            left = gift.size
            while gift.content is not None and left and (piece := gift.content.read(min(_PIECE, left))):
                child.stdin.write(piece)
                left -= len(piece)
            if left:
                raise SteadError("a file became shorter while it was being put back")
        child.stdin.close()
    return count


class Answers:
    """Reads what the guest says beside the writing, up to a bound: it must not wait for us, nor fill our memory."""

    def __init__(self, child: Popen[bytes]) -> None:
        self._child, self._text = child, b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        while piece := self._child.stdout.read1(1 << 16):  # type: ignore[attr-defined]
            self._text += piece
            if len(self._text) > _ANSWER:
                self._child.kill()
                return

    def collect(self, wanted: int) -> Iterator[Any]:
        """One answer for each of ``wanted`` questions; SteadError when the guest says anything else."""
        self._thread.join(_PATIENCE)
        lines = self._text.split(b"\n")[:-1]
        answers = [_parsed(line) for line in lines[: wanted + 1]]
        failed = next((str(one["error"])[:300] for one in answers if "error" in one), None)
        if failed is not None:
            raise SteadError(f"the server did not take it back: {printable(failed)}", hint="stead logs says more")
        if len(answers) != wanted:
            raise SteadError(
                f"the server took back {len(answers)} of {wanted}, then it stopped answering",
                hint="run the same command again: what is there already is left alone",
            )
        yield from answers


def printable(text: str) -> str:
    """A guest's words without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except ValueError:
        return {"error": "it answered nonsense"}
    return answer if isinstance(answer, dict) else {"error": "it answered nonsense"}


def _end(child: Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    if child.poll() is None:
        try:
            child.wait(2)
        except TimeoutExpired:
            child.kill()
            child.wait()
