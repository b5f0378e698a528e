"""A server is lost; from its kit and its place it comes back in another home, also when that is killed on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from stead import data
from stead.backup import load_known
from stead.recovery import under_way
from stead.release import Release, ReleaseStore
from stead.run import start
from stead.words.home import Home
from tests.recovery.conftest import Writer, env, recover, words
from tests.rig.lost import SECRET, Lost, imap, subjects
from tests.rig.server import lend

pytestmark = [pytest.mark.boot, pytest.mark.apart, pytest.mark.timeout(900)]


def delete(home: Home, subject: str) -> None:
    with imap(home) as connection:
        for box in ("INBOX", "Junk"):
            connection.select(box)
            for number in connection.search(None, "SUBJECT", f'"{subject}"')[1][0].split():
                connection.store(number, "+FLAGS", "\\Deleted")
            connection.expunge()


def everything_is_there(home: Home, lost: Lost, writer: Writer) -> None:
    there = "\n".join(subjects(home))
    assert "keep me" in there and "delete me later" not in there, there
    missing = [name for name in writer.acknowledged if name not in there]
    assert writer.acknowledged and not missing, f"{len(missing)} acknowledged letters are gone: {missing[:5]}"
    assert (home.lib / "ca.pem").read_bytes() == lost.authority, "devices would have to trust anew"
    assert under_way(home) is None and not home.recovering.exists() and not data.stands_in(home)


def test_everything_comes_out_of_the_place_and_is_served_meanwhile(lost: Lost, empty: Home, tmp_path: Path) -> None:
    with Writer(empty) as writer, (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        with (tmp_path / "secret").open("w+b") as typed:
            typed.write(SECRET.encode() + b"\n")
            typed.seek(0)
            line = words(empty, "recover", lost.kit, "--passphrase-file", "-", "--json")
            child = start(line, stdin=typed, stdout=out, stderr=err, env=env())
        while len(writer.acknowledged) < 3 and child.poll() is None:
            time.sleep(0.1)
        delete(empty, "delete me later")
        child.wait()
        told = (tmp_path / "err").read_text()
        assert child.returncode == 0, told
        time.sleep(1)
    everything_is_there(empty, lost, writer)
    assert "answers again" in told
    said = json.loads((tmp_path / "out").read_text())
    assert said["place"] == "attic" and said["up"]["drill"]["verdict"] == "pass"
    known = load_known(empty, "attic").snapshot(said["snapshot"])
    assert known is not None and known.good and known.inventory, "what came back is missed if it disappears"
    current = ReleaseStore(empty).current()
    assert current is not None and current.id == lost.release, "programs were built, not taken from the place"
    print(f"served after {said['serving_after']} s, all here after {said['seconds']} s, pauses {writer.gaps}")
    again = recover(empty, lost.kit)
    assert again.code == 2 and "has a server already" in again.err


def test_killed_at_ten_random_points_it_still_ends_right(
    lost: Lost, empty: Home, release: Release, tmp_path: Path
) -> None:
    lend(empty, release)
    dice = random.Random(os.environ.get("STEAD_SEED", "1"))
    with Writer(empty) as writer:
        for _ in range(10):
            with (tmp_path / "said").open("wb") as said, (tmp_path / "secret").open("w+b") as typed:
                typed.write(SECRET.encode() + b"\n")
                typed.seek(0)
                line = words(empty, "recover", lost.kit, "--passphrase-file", "-")
                child = start(line, stdin=typed, stdout=said, stderr=said, env=env())
                time.sleep(dice.uniform(0.3, 7.0))
                if child.poll() is None:
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        done = recover(empty, lost.kit)
        # The keeper may have come to the end of it before the command was typed.
        assert done.code == 0 or "has a server already" in done.err, done.err
        until = time.monotonic() + 120
        while under_way(empty) is not None or len(writer.acknowledged) < 3:
            assert time.monotonic() < until, "it did not come to an end"
            time.sleep(0.5)
        delete(empty, "delete me later")
    everything_is_there(empty, lost, writer)


def test_without_a_place_that_answers_nothing_is_known(lost: Lost, empty: Home, release: Release) -> None:
    lend(empty, release)
    away = lost.place.with_name("unplugged")
    lost.place.rename(away)
    try:
        said = recover(empty, lost.kit)
    finally:
        away.rename(lost.place)
    assert said.code == 3 and "no place can be used" in said.err, said.err
    assert not (empty.data / "mail").exists()


def test_a_wrong_name_is_said_with_the_right_ones(lost: Lost, empty: Home, release: Release) -> None:
    lend(empty, release)
    said = recover(empty, lost.kit, "--place", "cellar")
    assert said.code == 2 and "it knows: attic" in said.err
