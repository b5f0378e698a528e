"""The reader of an account elsewhere: as ``reading``, with a network and the protocols, which take longer to load.

Started as ``python -m stead.exchange.reading_account``.
"""

from __future__ import annotations

from stead.exchange import accounts
from stead.exchange.reading import run

if __name__ == "__main__":
    run(accounts.read)
