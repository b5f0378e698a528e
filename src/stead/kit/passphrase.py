"""The passphrase of a kit: made so that it can be written down, read out and typed, and never a weak one."""

from __future__ import annotations

import math
import secrets
from collections import Counter

from stead.words.errors import UsageError

_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aeiou"
#: Words of four letters: (16 x 5) squared, 12.6 bits each; six of them are 75 bits behind scrypt.
_WORDS = 6
_SHORTEST = 14
_BITS = 38.0


def new_passphrase() -> str:
    """Six pronounceable words of four letters, 75 bits."""
    return "-".join(_word() for _ in range(_WORDS))


def refuse_weak(passphrase: str) -> None:
    """UsageError for one that guessing programs would find. Whoever has the kit's file may try for years."""
    letters = Counter(passphrase.lower())
    bits = -sum(n * math.log2(n / len(passphrase)) for n in letters.values()) if passphrase else 0.0
    if len(passphrase) < _SHORTEST or bits < _BITS:
        raise UsageError(
            "this passphrase is too easy to guess for a file that opens everything",
            hint=f"at least {_SHORTEST} letters, better four or more words that do not belong together; "
            "or let one be made: stead kit write --new-passphrase",
        )


def _word() -> str:
    return "".join(secrets.choice(letters) for letters in (_CONSONANTS, _VOWELS) * 2)
