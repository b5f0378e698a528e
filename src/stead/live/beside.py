"""The same work for several places side by side: a place that hangs must not keep the others waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Protocol, TypeVar

from stead import backup as copies
from stead.words.progress import Progress

#: Restic alone keeps a processor busy; more at once only pays where places are slow.
_AT_ONCE = 8


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Wanted = TypeVar("Wanted", bound=_Named)
Done = TypeVar("Done")


def side_by_side(
    wanted: Sequence[Wanted],
    work: Callable[[Wanted, Progress], Done],
    progress: Progress,
    *,
    patience: float | None = None,
    out_of_patience: Callable[[], object] = lambda: None,
) -> list[Done]:
    """The results of ``work`` for each of ``wanted``, in their order. Expected errors are results, not raised.

    ``out_of_patience`` is called once when some still work after ``patience`` seconds; they go on.
    """
    with ThreadPoolExecutor(min(max(len(wanted), 1), _AT_ONCE)) as pool:
        alone = len(wanted) == 1
        under_way = [pool.submit(work, one, progress if alone else _Remarks(progress, one.name)) for one in wanted]
        try:
            if wait(under_way, patience).not_done:
                out_of_patience()
            return [one.result() for one in under_way]
        except BaseException:
            copies.give_up()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Remarks:
    """A progress for one of several: steps at the same time have no order, so they are told as remarks."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name

    @contextmanager
    def step(self, words: str, *, expected: float | None = None) -> Iterator[None]:
        """Tell that the step begins."""
        self._progress.say(words)
        yield

    def say(self, words: str) -> None:
        """Tell one remark, and whom it is about."""
        self._progress.say(f"{self._name}: {words}")
