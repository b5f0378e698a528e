"""Settings: defaults, every kind of mistake told at once, the editor, the reference page."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stead.settings import HostPort, load, parse, relay, save_domain
from stead.settings.declared import PLACE, SETTINGS
from stead.settings.editing import with_domain
from stead.settings.reference import page
from stead.words.errors import UsageError
from stead.words.home import Home

ROOT = Path(__file__).parents[2]
FILE = Path("/etc/stead/stead.toml")


def problems(content: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(content, FILE)
    return caught.value.message


def test_no_file_is_local_mode(tmp_path: Path) -> None:
    settings = load(Home.at(tmp_path))
    assert not settings.public and settings.name == settings.hostname == "stead.test"
    assert (settings.goals.lose_at_most, settings.goals.back_within, settings.goals.prove_every) == (900, 300, 3600)
    assert settings.places == () and settings.mail.relay is None and settings.mail.max_message_mb == 50
    assert settings.keeper.backup == 900 and settings.backup_interval == 600


def test_every_setting_is_read(tmp_path: Path) -> None:
    settings = parse(
        'domain = "example.org"\n[goals]\nlose_at_most = "1h"\n[mail]\nrelay = "[fd00::1]:587"\n'
        '[[place]]\nname = "attic"\nurl = "sftp:me@attic:/stead"\n[[place]]\nname = "disk"\nurl = "/mnt/disk"\n',
        FILE,
    )
    assert settings.hostname == "mail.example.org" and settings.backup_interval == 900
    assert settings.mail.relay == HostPort("fd00::1", 587)
    assert [(p.name, p.url) for p in settings.places] == [("attic", "sftp:me@attic:/stead"), ("disk", "/mnt/disk")]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_each_default_and_example_is_valid(setting: object) -> None:
    assert setting.default is None or setting.read(setting.default) is not None  # type: ignore[attr-defined]
    raw = tomllib.loads(f"x = {setting.example}")["x"]  # type: ignore[attr-defined]
    assert setting.read(raw) is not None  # type: ignore[attr-defined]


def test_all_problems_are_told_at_once_with_their_lines() -> None:
    told = problems(
        'domain = "Example"\n[goals]\nlose_at_mots = "15m"\nback_within = "soon"\nprove_every = 5\n'
        '[mail]\nmax_message_mb = true\n[[place]]\nnam = "x"\nurl = "ftp://u:geheim@x/"\n'
    )
    lines = told.splitlines()
    assert lines[0] == "/etc/stead/stead.toml has 8 problems; nothing was changed:"
    assert '  line 1: domain: "Example" will not do; allowed is a domain name' in told
    assert "  line 3: goals.lose_at_mots: there is no such setting; did you mean goals.lose_at_most?" in lines
    assert '  line 4: goals.back_within: "soon" will not do; allowed is a duration from 10s to 7d' in told
    assert "  line 5: goals.prove_every: 5 will not do" in told
    assert "  line 7: mail.max_message_mb: true will not do; allowed is a whole number from 1 to 1000" in lines
    assert '  line 8: place: name is missing, for example name = "attic"' in lines
    assert "  line 9: place.nam: there is no such setting; did you mean name?" in lines
    assert "geheim" not in told


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("x = [", "is not valid TOML"),
        ('goals = "15m"', "write [goals] and its settings below it"),
        ('lose_at_most = "1h"', "did you mean goals.lose_at_most?"),
        ('place = "x"', "each place is a section of its own"),
        ('[place]\nname = "x"', "each place is a section of its own"),
        ('[[place]]\nname = "A"\nurl = "/x"', "a short name"),
        ('[[place]]\nname = "a"\nurl = "x"', "a restic address"),
        ('[[place]]\nname="a"\nurl="/x"\n[[place]]\nname="a"\nurl="/y"', 'line 5: place.name: "a" is used by another'),
        ('[[place]]\nname="a"\nurl="/x"\n[[place]]\nname="b"\nurl="/x"', "used by another place"),
        ('[mail]\nrelay = "smtp.example.net"', 'a name and a port such as "smtp.example.net:587"'),
        ('[mail]\nrelay = "smtp.example.net:99999"', "a name and a port"),
        ('[mail]\nrelay = "s:25"\nrelay_user = "me"', "relay_user: it needs mail.relay_password_file, too"),
        ('[mail]\nrelay_user = "me"\nrelay_password_file = "/x"', "it needs mail.relay, too"),
        ('[data]\nbtrfs = "/srv"\nfirst_size = "1GB"', "data.btrfs says to use none"),
        ('[data]\nfirst_size = "1MB"', 'a size from "256MB"'),
        ('[acme]\nemail = "a@b.example"', "it needs domain, too"),
        ('domain = "example.org"\n[local]\nport_shift = 1', "for local mode only"),
        ('domain = "192.0.2.1"', "no address"),
        ('domain = "-x.org"', "a domain name"),
        ('[goals]\nlose_at_most = "1m"', "a duration from 3m to 7d"),
        ('[goals]\nlose_at_most = "nan m"', "a duration from 3m to 7d"),
        ('[alerts]\nurls = ["x"]', "a list of addresses"),
    ],
)
def test_mistakes(content: str, words: str) -> None:
    assert words in problems(content)


def test_binary_file_is_one_sentence(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.etc.mkdir()
    home.settings_file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        load(home)


def test_save_domain_makes_the_file(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    assert save_domain(home, "example.org").domain == "example.org"
    assert load(home).domain == "example.org"
    assert [p.name for p in home.etc.iterdir()] == ["stead.toml"]


def test_save_domain_keeps_comments_and_order(tmp_path: Path) -> None:
    before = '# mine\n\n[goals] # g\nback_within = "1m" # quick\n'
    after = with_domain(before, "example.org")
    assert after == '# mine\n\ndomain = "example.org"\n[goals] # g\nback_within = "1m" # quick\n'
    assert with_domain(after.replace("domain =", "domain   ="), "b.example") == after.replace(
        'domain = "example.org"', 'domain   = "b.example"'
    )
    assert with_domain("domain = 'a.org' # ours\n", "b.org") == 'domain = "b.org" # ours\n'


def test_save_domain_refuses_what_it_cannot_keep(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.etc.mkdir()
    home.settings_file.write_text("[goals]\nx = 1\n")
    with pytest.raises(UsageError, match="no such setting"):
        save_domain(home, "example.org")
    assert home.settings_file.read_text() == "[goals]\nx = 1\n"
    with pytest.raises(UsageError, match="will not do"):
        save_domain(home, "https://example.org")


def test_relay_reads_its_password(tmp_path: Path) -> None:
    secret = tmp_path / "p"
    content = f'[mail]\nrelay = "smtp.example.net:587"\nrelay_user = "me"\nrelay_password_file = "{secret}"\n'
    settings = parse(content, FILE)
    with pytest.raises(UsageError, match="cannot be read"):
        relay(settings)
    secret.write_text("geheim\n")
    found = relay(settings)
    assert found is not None and found.password == "geheim" and "geheim" not in repr(found)


def test_reference_page_is_up_to_date() -> None:
    assert (ROOT / "docs/operate/settings.md").read_text() == page(), (
        "run: python -m stead.settings.reference > docs/operate/settings.md"
    )
    assert all(f"`{setting.key}`" in page() for setting in (*SETTINGS, *PLACE))
