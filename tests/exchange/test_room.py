"""Before a message comes in there is room for it within its account's limit."""

from __future__ import annotations

import pytest

from stead.data import ensure_volume
from stead.exchange.items import Item, Kind
from stead.exchange.room import Room
from stead.settings import load
from stead.words.errors import SteadError
from stead.words.home import Home

pytestmark = pytest.mark.root
MB = 1000**2


def _mail(size: int, *also: str) -> Item:
    return Item(Kind.MAIL, "0" * 32, "INBOX", size, also=also)


@pytest.fixture
def room(home: Home) -> Room:
    ensure_volume(home, size=1000 * MB)
    home.etc.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text("[mail]\nquota_gb = 1\n")
    box = home.data / "mail/home/alice/Maildir/cur"
    box.mkdir(parents=True)
    (box / f"1.held,S={400 * MB}:2,S").touch()
    return Room(home, load(home), "alice")


def test_what_is_held_and_every_folder_count_up_to_the_limit(room: Room) -> None:
    room.need(_mail(200 * MB))
    room.need(_mail(200 * MB, "Work"))
    with pytest.raises(SteadError, match=r"the mail of alice would be more than its limit of 1\.0 GB") as refused:
        room.need(_mail(1))
    assert "the same import again: it goes on" in str(refused.value.hint)


def test_files_do_not_count_as_mail(room: Room) -> None:
    for _ in range(3):
        room.need(Item(Kind.FILE, "0" * 32, "photo.jpg", 900 * MB))
