"""How old a drilled backup is, in words."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


class Age(StrEnum):
    """How old a drilled backup is. The sentence of ``stead status`` stands on the newest alone."""

    NEWEST = "newest"
    YESTERDAY = "yesterday"
    WEEK = "week"
    OLDEST = "oldest"


#: All but the newest.
OLDER = tuple(age for age in Age if age is not Age.NEWEST)
#: A backup dated further ahead than this was made while the clock was wrong.
CLOCKS_DIFFER = timedelta(minutes=10)
