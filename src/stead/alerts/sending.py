"""Send a message by several ways at once, each in a process of its own: one that hangs or dies stops no other."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stead.alerts.message import Message
from stead.alerts.ways import Way
from stead.alerts.wishes import Wishes
from stead.run import CommandError, run
from stead.words.errors import SteadError

#: Seconds after which a way's process is ended.
DEADLINE = 40.0
_AT_ONCE = 8


@dataclass(frozen=True)
class Outcome:
    """What became of a message on one way; ``detail`` is one line for a person, without secrets."""

    way: str
    good: bool
    detail: str
    seconds: float


def send(messages: Mapping[str, Message], wishes: Wishes) -> tuple[Outcome, ...]:
    """Send each way its message (by the way's name), all at the same time."""
    ways = [way for way in wishes.ways if way.name in messages]
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return tuple(pool.map(lambda way: _send(way, messages[way.name], wishes), ways))


def feed(url: str) -> Outcome:
    """Call the dead man's switch."""
    return _errand("deadman", "feeding", {"url": url})


def _send(way: Way, message: Message, wishes: Wishes) -> Outcome:
    words: dict[str, object] = {"title": message.title, "body": message.body}
    if way.address is None:
        return _errand(way.name, "through_apprise", {"url": way.url, **words})
    at = wishes.resolver
    job = {
        "address": way.address,
        "sender": f"alerts@{wishes.domain}",
        "helo": wishes.hostname,
        "resolver": [at.host, at.port] if at else None,
        "port": wishes.mail_port,
    }
    return _errand(way.name, "direct", {**job, **words})


def _errand(name: str, program: str, job: Mapping[str, object]) -> Outcome:
    began = time.monotonic()
    try:
        result = run(
            [sys.executable, "-m", f"stead.alerts.{program}"], stdin=json.dumps(job), timeout=DEADLINE, expect=()
        )
        said = json.loads(result.out)
        good, detail = bool(said["good"]), str(said["detail"])
    except CommandError:
        good, detail = False, f"it did not end within {DEADLINE:.0f} s"
    except (SteadError, OSError, ValueError, KeyError) as trouble:
        # Never the process's own words: they could hold the address.
        good, detail = False, f"the program that sends it broke ({type(trouble).__name__})"
    return Outcome(name, good, detail, round(time.monotonic() - began, 1))
