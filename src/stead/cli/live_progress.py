"""Progress on a terminal: the steps under way spin with their time beside the time expected, ended ones stay."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from stead.words.quantities import say_duration


class _Times(ProgressColumn):
    """Elapsed, and what was measured before."""

    def render(self, task: Task) -> Text:
        """The column of one step."""
        expected = task.fields["expected"]
        about = f" of about {say_duration(expected)}" if expected is not None else ""
        return Text(f"{say_duration(task.elapsed or 0.0)}{about}", style="dim")


class Live:
    """Prints steps on a terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True, highlight=False)
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), _Times())
        self._progress = Progress(*columns, console=console, transient=True)
        self._open: list[int] = []

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, words: str, expected: float | None, depth: int) -> None:
        """Show a step under way."""
        self._open.append(self._progress.add_task("  " * depth + words, total=None, expected=expected))

    def end(self, words: str, seconds: float, depth: int, *, failed: bool) -> None:
        """Leave the step's line behind."""
        self._progress.remove_task(self._progress.tasks[-1].id if not self._open else self._open.pop())  # type: ignore[arg-type]
        mark = Text("✗ ", "red") if failed else Text("✓ ", "green")
        self._print(Text("  " * depth) + mark + Text(f"{words} ") + Text(say_duration(seconds), "dim"))

    def say(self, words: str, depth: int) -> None:
        """Leave a remark behind."""
        self._print(Text("  " * depth + words, "dim"))

    def _print(self, line: Text) -> None:
        self._progress.console.print(line)
