"""The words that go out: plain sentences, the next step under each, everything of one moment in one message."""

from __future__ import annotations

from dataclasses import dataclass

from stead.alerts.plan import News
from stead.alerts.state import Alert
from stead.alerts.wishes import Wishes

_TITLE, _SENTENCE, _SHOWN = 120, 300, 6


@dataclass(frozen=True)
class Message:
    """One message; ``kind`` is ``alarm``, ``over``, ``test`` or ``letter``."""

    kind: str
    title: str
    body: str
    about: tuple[str, ...] = ()


def alarm(news: News, wishes: Wishes) -> Message:
    """The message that tells news."""
    open_ones = (*news.first, *news.again)
    leading = (*open_ones, *news.over)[0]
    more = f" (and {len(open_ones) - 1} more)" if len(open_ones) > 1 else ""
    words = f"{_line(leading.what)}{more}" if open_ones else f"well again: {_line(leading.what)}"
    blocks = [
        *_block("New", news.first),
        *_block("Still so", news.again),
        *_over(news.over),
        *([f"Still open, and said before: {news.standing} (stead alerts shows them)"] if news.standing else []),
        f"This is {wishes.domain} on the computer {wishes.host}.",
    ]
    if open_ones:
        blocks[-1] += " It is repeated until it is over or you say that you know: stead alerts ack all"
    about = tuple(alert.id for alert in (*open_ones, *news.over))
    return Message("alarm" if open_ones else "over", titled(wishes, words), "\n\n".join(blocks), about)


def trial(code: str, wishes: Wishes) -> Message:
    """The monthly self-test, or one that was asked for."""
    body = (
        "Nothing is wrong. This message shows that alarms reach you on this way.\n\n"
        f"Say that it arrived, on the computer {wishes.host}:\n\n    stead alerts ack {code}\n\n"
        f"This is {wishes.domain}. Such a test comes once a month."
    )
    return Message("test", titled(wishes, "a test of the alarms"), body)


def titled(wishes: Wishes, words: str) -> str:
    """A title of bounded length that begins with who speaks."""
    return _short(f"Stead {wishes.domain}: {words}", _TITLE)


def _block(heading: str, alerts: tuple[Alert, ...]) -> list[str]:
    lines = [f"- {_line(alert.what)}\n  since {alert.since}\n  next: {_line(alert.next)}" for alert in alerts[:_SHOWN]]
    if len(alerts) > _SHOWN:
        lines.append(f"- and {len(alerts) - _SHOWN} more: stead status")
    return [f"{heading}:\n" + "\n".join(lines)] if lines else []


def _over(alerts: tuple[Alert, ...]) -> list[str]:
    lines = [f"- {_line(alert.what)}" for alert in alerts[:_SHOWN]]
    return ["Well again, after it was asked once more:\n" + "\n".join(lines)] if lines else []


def _line(text: str) -> str:
    """One line without control characters: what a finding tells may have come from a broken server."""
    return _short(" ".join("".join(c if c.isprintable() else " " for c in text).split()), _SENTENCE)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
