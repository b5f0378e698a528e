"""Read another provider's account. Runs only in the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stead.exchange.taking import Taker


def read(account: dict[str, Any], taker: Taker) -> None:
    """Send everything in the account."""
    raise NotImplementedError(str(account.get("kind")))
