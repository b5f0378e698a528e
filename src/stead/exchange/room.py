"""Room for what comes in: data grows ahead of it, and it stops before the server itself would suffer."""

from __future__ import annotations

import os

from stead.data import free_share, grow_if_needed
from stead.exchange.items import Item, Kind
from stead.services.mail.inventory import inventory
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.quantities import say_size

_LOOK_EVERY = 64 << 20
_LOOK_ITEMS = 5000
_LEAST_SHARE, _LEAST_BYTES = 0.05, 200_000_000


class Room:
    """Asked before each item."""

    def __init__(self, home: Home, settings: Settings, user: str) -> None:
        self._home = home
        self._user = user
        self._quota = settings.mail.quota_gb * 1_000_000_000
        held = inventory(home.data, (user,)).totals["bytes"] if self._quota else 0
        self._mail = held
        self._bytes = self._items = 0
        self._look()

    def need(self, item: Item) -> None:
        """SteadError when the account's quota or the disk has no room for it; grows data's image when it is low."""
        self._bytes += item.size
        self._items += 1
        if item.kind is Kind.MAIL and self._quota:
            self._mail += item.size * (1 + len(item.also))
            if self._mail > self._quota:
                raise SteadError(
                    f"the mail of {self._user} would be more than its limit of {say_size(self._quota)}",
                    hint="raise mail.quota_gb in stead.toml, run stead up, then the same import again: it goes on",
                )
        if self._bytes >= _LOOK_EVERY or self._items >= _LOOK_ITEMS:
            self._bytes = self._items = 0
            self._look()

    def _look(self) -> None:
        if self._home.data_image.exists():
            grow_if_needed(self._home)
        disk = os.statvfs(self._home.data_mount)
        if free_share(self._home) < _LEAST_SHARE or disk.f_bavail * disk.f_frsize < _LEAST_BYTES:
            raise SteadError(
                "the disk has no room for more: what is left is kept for mail that arrives",
                hint="make room or give data a bigger disk, then run the same import again: it goes on",
            )
