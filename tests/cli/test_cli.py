"""The command line as its users meet it: real processes on homes without a server, exit codes, JSON, one door."""

from __future__ import annotations

import json
import os
import pty
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.cli import door
from stead.cli.progress import shown
from stead.cli.publishing import publish
from stead.cli.root import VERBS
from stead.keeper.running import environment
from stead.records import Records, Snapshot
from stead.run import Result, run
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.probe import ProbeResult
from stead.words.verdict import Verdict

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


_GROUPS = {
    "user": "add",
    "backup": "list",
    "proofs": "verify",
    "site": "publish",
    "kit": "write",
    "alerts": "ack",
    "restore": "mail",
    "place": "add",
}
_HELPED = [f"{verb} {_GROUPS[verb]}" if verb in _GROUPS else verb for verb in VERBS]


def stead(folder: Path, *args: str, stdin: str | None = None, **env: str) -> Result:
    return run(
        [sys.executable, "-m", "stead.cli", *args, "--home", folder],
        timeout=60,
        expect=(),
        stdin=stdin,
        env={**environment(), **env},
    )


@pytest.fixture
def used(tmp_path: Path) -> Home:
    """A home with a history: a place elsewhere that was backed up to and drilled."""
    home = Home.at(tmp_path)
    home.etc.mkdir()
    home.settings_file.write_text('[[place]]\nname = "attic"\nurl = "sftp:me:geheim@attic:/stead"\n')
    now = datetime.now(UTC)
    with Records(home.records) as records:
        records.save_probes([ProbeResult("receive", "mail", Verdict.PASS, 0.2, "ok")], now)
        records.save_snapshot(Snapshot("attic", "abcdef0123", now - timedelta(minutes=4), "r-1", {"size": 1000}))
        seen = {"place": "attic", "recovery_time_seconds": 6.2, "recovery_point_seconds": 300.0, "method": "mounted"}
        records.save_proof("drill", Verdict.PASS, now - timedelta(minutes=1), 8.0, {**seen, "snapshot": "abcdef0123"})
        records.save_measured("prepare", 100.0, now - timedelta(days=1))
    return home


@pytest.mark.parametrize("verb", _HELPED)
def test_every_verb_has_help_and_a_home(tmp_path: Path, verb: str) -> None:
    result = run([sys.executable, "-m", "stead.cli", *verb.split(), "--help"], timeout=60, env=environment())
    assert "--home" in result.out and "Traceback" not in result.err


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("stats",), 2, "did you mean status?"),
        (("status", "--jsno"), 2, "--jsno"),
        (("drill", "--nonsense"), 2, "--nonsense"),
        (("user", "list"), 1, "stead up"),
        (("proofs", "show", "7"), 2, "there is no proof 7"),
        (("logs", "--since", "soon"), 2, "a number and a unit"),
        (("backup", "list", "--place", "x"), 2, "there is no place x"),
        (("up", "--domain", "Bad Name"), 2, "a domain name in lower case"),
        (("remove", "all"), 2, "stead remove all --name stead.test"),
    ],
)
@needs_root
def test_wrong_use_is_a_sentence_and_a_code(tmp_path: Path, args: tuple[str, ...], code: int, words: str) -> None:
    result = stead(tmp_path, *args)
    assert result.code == code and words in result.err and result.out == "" and "Traceback" not in result.err


def test_a_mistake_in_the_settings_is_code_2(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/stead.toml").write_text("[goals]\nback_withn = 1\n")
    result = stead(tmp_path, "status")
    assert result.code == 2 and "line 2: goals.back_withn" in result.err and "goals.back_within" in result.err


def test_status_of_nothing(tmp_path: Path) -> None:
    result = stead(tmp_path, "status")
    assert result.code == 1
    assert result.out.splitlines()[0] == (
        "You cannot sleep yet: there is no server here yet. Next: make one: stead up."
    )


def test_status_json_from_real_records(used: Home) -> None:
    result = stead(used.lib.parent, "status", "--json")
    raw = json.loads(result.out)
    assert result.code == 1 and raw["sleep"] == "no"
    (place,) = raw["places"]
    assert place["verdict"] == "pass" and place["survives_this_computer"] is True
    assert 235 <= place["age_seconds"] <= 300
    recovery = raw["recovery"]
    assert recovery["time_seconds"] == pytest.approx(106.2) and recovery["prepare_seconds"] == 100
    # the marker was 300 s old in a drill made 180 s after the snapshot: two minutes behind it
    assert 355 <= recovery["point_seconds"] <= 420
    assert "geheim" not in result.out


def test_a_backup_of_the_future_does_not_look_fresh(used: Home) -> None:
    with Records(used.records) as records:
        records.save_snapshot(Snapshot("attic", "ahead", datetime.now(UTC) + timedelta(days=400), "r-1", {"size": 1}))
    (place,) = json.loads(stead(used.lib.parent, "status", "--json").out)["places"]
    assert place["newest_snapshot"] == "abcdef0123" and place["age_seconds"] >= 235


@needs_root
def test_in_its_quiet_hours_the_keeper_leaves_a_place_alone(used: Home) -> None:
    with used.settings_file.open("a") as file:
        now = datetime.now()
        since, until = now - timedelta(minutes=30), now + timedelta(minutes=30)
        file.write(f'quiet_hours = "{since:%H:%M}-{until:%H:%M}"\n')
    folder = used.lib.parent
    # What comes only once a day or a month must come again soon; the others come often enough.
    for words, code in ((("backup", "verify"), 3), (("drill", "--full"), 3), (("backup", "prune"), 0)):
        place = () if "prune" in words else ("--place", "attic")
        assert stead(folder, *words, *place, "--by-keeper").code == code, words


@needs_root
def test_a_drill_without_a_backup_says_what_to_do(tmp_path: Path) -> None:
    said = stead(tmp_path, "drill")
    assert said.code == 3 and "there is no backup in same-disk yet" in said.out and "stead backup run" in said.out
    assert "None" not in said.out and "steps" not in said.out


def test_a_finding_keeps_its_since(used: Home) -> None:
    first = json.loads(stead(used.lib.parent, "status", "--json").out)["findings"]
    again = json.loads(stead(used.lib.parent, "status", "--json").out)["findings"]
    assert first == again and all(finding["since"] and finding["next"] for finding in first)


def test_lists(used: Home) -> None:
    folder = used.lib.parent
    assert json.loads(stead(folder, "backup", "list", "--json").out)["snapshots"][0]["id"] == "abcdef0123"
    assert "attic" in stead(folder, "backup", "places").out
    assert json.loads(stead(folder, "proofs", "list", "--json").out)["proofs"][0]["verdict"] == "pass"
    assert json.loads(stead(folder, "proofs", "show", "1").out)["evidence"]["place"] == "attic"
    assert stead(folder, "proofs", "verify").code == 0
    with Records(used.records) as records:
        records.connection.execute("UPDATE proof SET seconds = 1")
    assert stead(folder, "proofs", "verify").code == 1


def test_stead_home_is_heard(used: Home) -> None:
    args = [sys.executable, "-m", "stead.cli", "backup", "places"]
    result = run(args, timeout=60, env={**environment(), "STEAD_HOME": str(used.lib.parent)})
    assert "attic" in result.out


def test_a_bug_leaves_a_report_and_no_traceback(tmp_path: Path) -> None:
    """A real one: the records' folder is where a file's content breaks the program."""
    home = Home.at(tmp_path)
    with Records(home.records) as records:
        records.save_proof("drill", Verdict.PASS, datetime.now(UTC), 1.0, {})
        records.connection.execute("UPDATE proof SET evidence = 'no JSON'")
    result = stead(tmp_path, "proofs", "list")
    assert result.code == 70 and "Traceback" not in result.err and "bug in Stead" in result.err
    (report,) = (home.lib / "reports").iterdir()
    assert str(report) in result.err and "JSONDecodeError" in report.read_text()


@needs_root
def test_an_interrupt_is_130(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (Home.at(tmp_path).data / "identity").mkdir(parents=True)
    command = f"{sys.executable} -m stead.cli user add ann --password-file {pipe} --home {tmp_path}"
    result = run(
        ["sh", "-c", f"{command} & sleep 3; kill -TERM $!; wait $!"],
        timeout=60,
        expect=(),
        env=environment(),
    )
    assert "interrupted" in result.err and result.code == 130


@needs_root
def test_users_by_password_file(tmp_path: Path) -> None:
    (Home.at(tmp_path).data / "identity").mkdir(parents=True)
    added = stead(tmp_path, "user", "add", "ann", "--password-file", "-", stdin="a-long-enough-passphrase-7\n")
    assert added.code == 0 and "ann@stead.test can log in" in added.out
    listed = json.loads(stead(tmp_path, "user", "list", "--json").out)
    assert [(user["name"], user["owner"]) for user in listed["users"]] == [("ann", True)]
    assert "passphrase" not in json.dumps(listed)
    assert stead(tmp_path, "user", "add", "bob", stdin="").code == 2
    assert stead(tmp_path, "user", "password", "bob", "--password-file", "-", stdin="x\n").code == 2
    assert stead(tmp_path, "user", "remove", "ann").code == 0
    assert json.loads(stead(tmp_path, "user", "list", "--json").out)["users"] == []


def test_progress_in_a_pipe_is_a_line_per_step_with_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home.at(tmp_path)
    Records(home.records).close()
    for _ in range(2):
        with shown(home, "up") as progress, progress.step("outer"), progress.step("inner", expected=60):
            progress.say("a remark")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:5] == ["outer ...", "  inner ... (about 1 min)", "    a remark", "  inner: 0.0 s", "outer: 0.0 s"]
    assert "outer ..." not in lines[5:]  # it is known to be quick now
    with pytest.raises(SteadError), shown(home, "up") as progress, progress.step("bad"):
        raise SteadError("no")
    assert "bad: failed after 0.0 s" in capsys.readouterr().err


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    """Under a real pseudo terminal, by a program of its own."""
    script = (
        "from pathlib import Path\nfrom stead.cli.progress import shown\nfrom stead.words.home import Home\n"
        f"with shown(Home.at(Path({str(tmp_path)!r})), 'up') as p:\n"
        "    with p.step('outer'):\n        with p.step('inner', expected=3.0):\n            p.say('a remark')\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", script], {**os.environ, **environment(), "TERM": "xterm"})
    said = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        said += piece
    assert os.waitpid(pid, 0)[1] == 0
    for words in ("✓", "inner", "outer", "a remark"):
        assert words in said.decode()


def test_the_door_says_usage_errors_without_leaving(capsys: pytest.CaptureFixture[str]) -> None:
    assert door.run(["no-such-verb"]) == 2
    assert door.run(["--version"]) == 0
    assert "there is no command no-such-verb" in capsys.readouterr().err


def test_publishing_replaces_the_page_in_one_step(tmp_path: Path) -> None:
    source, data = tmp_path / "page", tmp_path / "data"
    (data / "web/site").mkdir(parents=True)
    (data / "web/site/old.html").write_text("old")
    (source / "pictures").mkdir(parents=True)
    (source / "index.html").write_text("new")
    (source / "pictures/a.png").write_bytes(b"png")
    (source / "secret").symlink_to("/etc/passwd")
    published = publish(data, source)
    assert (published.files, published.size, published.left_out) == (2, 6, ["secret"])
    assert sorted(p.name for p in (data / "web/site").iterdir()) == ["index.html", "pictures"]
    assert (data / "web/site/pictures").stat().st_mode & 0o7777 == 0o2750
    assert [p.name for p in (data / "web").iterdir()] == ["site"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(SteadError, match="is empty"):
        publish(data, empty)


def test_status_starts_fast(used: Home) -> None:
    """A bound on the processor time, which other load on the computer does not change much."""
    times = []
    for _ in range(3):
        before = os.times()
        stead(used.lib.parent, "status")
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(times) < 0.6
