"""Things come in, are backed up, the computer is lost; what goes out of the new one is what came in, by content."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from stead import live
from stead.exchange.exporting import give_out
from stead.exchange.importing import Wanted, bring_in
from stead.kit import kit_of, write_kit
from stead.release import Release
from stead.run import run
from stead.settings import load
from stead.words.progress import Silent
from stead.words.verdict import Verdict
from tests.exchange.things import letter, mboxed, takeout
from tests.rig.homes import NewHome
from tests.rig.server import quick

pytestmark = [pytest.mark.boot, pytest.mark.apart, pytest.mark.timeout(900)]

_SECRET = "seven quiet otters sing"


def everything(folder: Path) -> Counter[tuple[str, bytes]]:
    """Path and content of all that was given out; the file with the time of the export is left out."""
    return Counter(
        (str(p.relative_to(folder)), p.read_bytes())
        for p in folder.rglob("*")
        if p.is_file() and p.name != "README.txt"
    )


def test_in_backup_loss_recovery_out(homes: NewHome, release: Release, tmp_path: Path) -> None:
    file, box = takeout(tmp_path), tmp_path / "Arbeit.mbox"
    box.write_bytes(b"".join(mboxed(letter(n, "Status: RO\n" if n % 3 else "")) for n in range(500)))
    with homes() as home:
        home.etc.mkdir(parents=True)
        home.settings_file.write_text(
            f'[data]\nfirst_size = "2GB"\n\n[[place]]\nname = "attic"\nurl = "{tmp_path}/attic"\n'
        )
        with quick(home, release) as server:
            came = bring_in(home, server.settings, Wanted("alice", (file, box)), Silent())
            give_out(home, "alice", tmp_path / "before", "maildir", Silent())
            live.mark(home, server.settings)
            (saving,) = live.backup(home, server.settings, Silent())
            assert saving.verdict is Verdict.PASS, saving.reason
            kit = write_kit(kit_of(home, server.settings), _SECRET, tmp_path)
    with homes() as new:
        named: list[str | Path] = [sys.executable, "-m", "stead.cli", "--home", new.lib.parent]
        line = [*named, "recover", kit, "--passphrase-file", "-"]
        env = {"PYTHONPATH": os.environ["PYTHONPATH"]}
        try:
            run(line, timeout=600, stdin=_SECRET + "\n", env=env)
            give_out(new, "alice", tmp_path / "after", "maildir", Silent())
            before, after = everything(tmp_path / "before"), everything(tmp_path / "after")
            assert before == after and sum(before.values()) > 507
            contents = Counter(content for path, content in after if path.startswith("mail/Arbeit/"))
            assert contents == Counter(letter(n, "Status: RO\n" if n % 3 else "") for n in range(500)), (
                "as it was in the mbox"
            )
            again = bring_in(new, load(new), Wanted("alice", (file, box)), Silent())
            assert not again.added_by and again.known_by.total() >= came.added_by.total()
        finally:
            run([*named, "down"], timeout=120, env=env)
