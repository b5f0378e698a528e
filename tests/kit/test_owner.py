"""An owner makes a kit, proves that it is good, changes something, and is told that it is not good any more."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from stead import kit as kits
from stead import live as stories
from stead.records import Records
from stead.run import Result, run
from stead.words.progress import Silent
from tests.rig.server import Server

_SECRET = "seven quiet otters sing"


def _stead(server: Server, *words: str) -> Result:
    env = {"PYTHONPATH": os.environ["PYTHONPATH"]}
    line = [sys.executable, "-m", "stead.cli", *words, "--home", str(server.home.lib.parent)]
    return run(line, timeout=120, expect=(), env=env, stdin=_SECRET + "\n")


def _findings(server: Server) -> set[str]:
    with Records(server.home.records) as records:
        return {finding.id for finding in records.open_findings() if finding.id.startswith("kit-")}


@pytest.mark.boot
def test_from_making_it_to_the_day_it_is_stale(live: Server, tmp_path: Path) -> None:
    if not list((live.home.secrets).glob("place-*.password")):
        stories.backup(live.home, live.settings, Silent())
    written = _stead(live, "kit", "write", "--to", str(tmp_path), "--passphrase-file", "-", "--json")
    assert written.code == 0, written.err
    file = Path(json.loads(written.out)["file"])
    assert _findings(live) == {"kit-unconfirmed"}

    opened = kits.open_kit(file, _SECRET)
    password = (live.home.secrets / f"place-{opened.places[0].name}.password").read_text().strip()
    assert opened.places[0].password == password and opened.places[0].repository
    assert "PRIVATE KEY" in "".join(opened.keys.values())
    assert password not in written.out + written.err and password not in file.read_text()

    confirmed = _stead(live, "kit", "confirm", str(file), "--passphrase-file", "-")
    assert confirmed.code == 0 and "it opens 1 place" in confirmed.out, confirmed.out + confirmed.err
    assert _findings(live) == set()
    shown = _stead(live, "kit", "show", str(file), "--passphrase-file", "-")
    assert opened.places[0].name in shown.out and password not in shown.out

    saved = live.home.settings_file.read_text() if live.home.settings_file.exists() else None
    try:
        live.home.settings_file.parent.mkdir(parents=True, exist_ok=True)
        live.home.settings_file.write_text((saved or "") + "\n[mail]\nmax_message_mb = 51\n")
        stale = _stead(live, "kit", "confirm", str(file), "--passphrase-file", "-")
        assert stale.code == 1 and "out of date" in stale.out
        assert _findings(live) == {"kit-stale"}
    finally:
        if saved is None:
            live.home.settings_file.unlink()
        else:
            live.home.settings_file.write_text(saved)
    assert _stead(live, "kit", "confirm", str(file), "--passphrase-file", "-").code == 0
    assert _findings(live) == set()


@pytest.mark.boot
def test_a_weak_passphrase_writes_nothing(live: Server, tmp_path: Path) -> None:
    refused = run(
        [sys.executable, "-m", "stead.cli", "kit", "write", "--to", tmp_path, "--passphrase-file", "-",
         "--home", str(live.home.lib.parent)],
        timeout=60, expect=(), env={"PYTHONPATH": os.environ["PYTHONPATH"]}, stdin="secret\n",
    )  # fmt: skip
    assert refused.code == 2 and "too easy to guess" in refused.err
    assert not list(tmp_path.iterdir())
