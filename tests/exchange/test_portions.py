"""Nothing is lost, the order stays, and no portion is larger than allowed unless it is one thing."""

from __future__ import annotations

import pytest

from stead.words.portions import portions


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([3, 3, 4], [[3, 3, 4]]),
        ([3, 3, 5], [[3, 3], [5]]),
        ([99, 1, 99], [[99], [1], [99]]),
        ([0, 10, 0, 1], [[0, 10, 0], [1]]),
    ],
)
def test_at_most_ten_together(sizes: list[int], expected: list[list[int]]) -> None:
    assert list(portions(((size, size) for size in sizes), 10)) == expected
