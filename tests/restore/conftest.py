"""A live server with a place of its own, and the command as an owner types it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stead import data, live
from stead.release import Release
from stead.restore import keep_learning
from stead.run import Result, run
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.rig.homes import NewHome
from tests.rig.server import Server, quick


@dataclass(frozen=True)
class Owner:
    """Somebody who looks after the server."""

    server: Server
    attic: Path

    def stead(self, *words: str) -> Result:
        """``stead restore`` with these words."""
        line = [sys.executable, "-m", "stead.cli", "restore", *words, "--home", str(self.server.home.lib.parent)]
        return run(line, timeout=120, expect=())

    def restore(self, *words: str) -> dict[str, Any]:
        """The same, as JSON; it must succeed."""
        result = self.stead(*words, "--json")
        assert result.code == 0, result.err
        answer: dict[str, Any] = json.loads(result.out)
        return answer

    def picture(self) -> None:
        """What the keeper does every ten minutes."""
        data.take_picture(self.server.home, datetime.now(UTC))

    def no_pictures(self) -> None:
        """A month goes by."""
        for picture in data.list_pictures(self.server.home):
            data.delete_picture(self.server.home, picture)

    def backup(self, *, learn: bool = True) -> str:
        """A backup as ``stead backup run`` makes it; its snapshot."""
        (saving,) = live.backup(self.server.home, self.server.settings, Silent())
        assert saving.verdict is Verdict.PASS and saving.snapshot, saving.reason
        if learn:
            keep_learning(self.server.home, self.server.settings, Silent())
        return saving.snapshot

    @contextmanager
    def without_place(self) -> Iterator[None]:
        """The attic's door is locked."""
        away = self.attic.with_name("away")
        self.attic.rename(away)
        try:
            yield
        finally:
            away.rename(self.attic)


@pytest.fixture(scope="session")
def owner(homes: NewHome, release: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """A server that all tests of this folder share; each uses things with names of its own."""
    attic = tmp_path_factory.mktemp("places") / "attic"
    with homes() as home:
        home.etc.mkdir(parents=True)
        home.settings_file.write_text(f'[data]\nfirst_size = "2GB"\n\n[[place]]\nname = "attic"\nurl = "{attic}"\n')
        with quick(home, release) as server:
            yield Owner(server, attic)
