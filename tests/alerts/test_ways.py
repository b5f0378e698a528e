"""The ways: what they are called, which of them need this server, and that nothing secret of them is ever shown."""

from __future__ import annotations

import json

import pytest

from stead import alerts
from stead.alerts.judging import judge
from stead.alerts.state import State
from stead.alerts.ways import secrets_of, uses_this_server, ways_of
from stead.records import Records
from stead.words.home import Home
from tests.alerts import far
from tests.alerts.conftest import ALARM, Clock, all_tested, find, wanted

#: Each message is a process of its own.
pytestmark = pytest.mark.waits


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mailto:me@example.net", "mailto:example.net"),
        ("mailto://me@example.net", "mailto:example.net"),
        ("mailto://me:geheim@smtp.example.net?to=you@example.com", "mailto://smtp.example.net"),
        ("ntfys://ntfy.example.net/topic", "ntfys://ntfy.example.net"),
        ("json://user:geheim@127.0.0.1:8080/path", "json://127.0.0.1"),
        # what stands where others have a host is a secret here
        ("ntfy://my-secret-topic", "ntfy"),
        ("tgram://123456789:AAFsecretsecret/1231", "tgram"),
        ("discord://123456789012345678/abcDEF", "discord"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack"),
        ("pover://key@eyJhbGciOi.eyJzdWIi.SflKxwRJ", "pover"),
    ],
)
def test_a_way_is_named_without_its_secrets(url: str, name: str) -> None:
    (way,) = ways_of([url])
    assert way.name == name and url not in repr(way)


def test_ways_that_look_alike_are_told_apart() -> None:
    assert [way.name for way in ways_of(["ntfy://one", "ntfy://two", "ntfy://three"])] == [
        "ntfy",
        "ntfy (2)",
        "ntfy (3)",
    ]


@pytest.mark.parametrize(
    ("url", "ours"),
    [
        ("mailto:me@example.org", True),
        ("mailto:me@mail.example.org", True),
        ("mailto:me@example.net", False),
        ("mailto:me@notexample.org", False),
        ("mailto://u:p@smtp.example.net?to=me@example.org", True),
        ("mailto://u:p@smtp.example.net?to=me@example.com", False),
        ("ntfys://ntfy.example.org/x", True),
        ("json://localhost/x", True),
        ("json://[::1]/x", True),
        ("json://127.0.0.1:80/x", True),
        ("dbus://", True),
        ("ntfy://topic", False),
        ("tgram://123456789:AAFsecret/1231", False),
    ],
)
def test_which_ways_need_this_server(url: str, ours: bool) -> None:
    (way,) = ways_of([url])
    assert uses_this_server(way, "example.org") is ours


@pytest.mark.parametrize(
    ("urls", "deadman", "found"),
    [
        ((), "https://x.example/y", ["alerts-none"]),
        (("ntfy://t",), "https://x.example/y", ["alerts-one-way"]),
        (("mailto:me@example.org", "json://localhost/x"), "https://x.example/y", ["alerts-only-here"]),
        (("mailto:me@example.org", "ntfy://t"), None, ["deadman-missing"]),
        (("mailto:me@example.org", "ntfy://t"), "https://x.example/y", []),
        (("mailto:me@example.net", "ntfy://t"), "https://x.example/y", []),
    ],
)
def test_too_few_ways_are_a_finding_until_there_are_enough(
    urls: tuple[str, ...], deadman: str | None, found: list[str], clock: Clock
) -> None:
    judged = judge(State(), wanted(*urls, deadman=deadman), clock.now())
    assert [one.id for one in judged] == found and all(one.next and "geheim" not in one.what for one in judged)


def test_the_findings_of_ways_are_kept_and_closed(place: Home, hook: far.Hook, clock: Clock) -> None:
    alerts.tell(place, wanted(), clock.now())
    with Records(place.records) as records:
        assert [one.id for one in records.open_findings()] == ["alerts-none"]
    alerts.tell(place, wanted(hook.url, "ntfy://127.0.0.1:1/x"), clock.now())
    with Records(place.records) as records:
        assert [one.id for one in records.open_findings()] == ["alerts-only-here"]


def test_every_part_of_an_address_is_a_secret() -> None:
    parts = secrets_of("json://user:p%40ss@127.0.0.1:8080/some-path?token=abcdef")
    assert {"user", "p%40ss", "p@ss", "some-path", "abcdef"} <= set(parts) and "127.0.0.1" not in parts


def test_no_secret_is_in_records_state_or_words(place: Home, hook: far.Hook, clock: Clock) -> None:
    """A service that says the whole address back in its refusal, one that is not there, and one that works."""
    urls = (hook.url, "json://user:geheimwort@127.0.0.1:1/secret-path", "nonsense://geheimwort/secret-path")
    wishes = wanted(*urls)
    hook.status = 401
    find(place, ALARM)
    outcomes = alerts.tell(place, wishes, clock.now())
    assert [one.good for one in outcomes] == [False] * 3 and all(one.detail for one in outcomes)
    hook.status = 200
    alerts.tell(place, wishes, clock.pass_(3600))
    held = b"".join(file.read_bytes() for file in place.lib.parent.rglob("*") if file.is_file())
    said = json.dumps([vars(one) for one in outcomes]) + repr(wishes)
    for secret in ("geheimwort", "secret-path"):
        assert secret.encode() not in held and secret not in said
    assert hook.got


def test_a_failing_way_is_an_alarm_on_the_others(place: Home, hook: far.Hook, other: far.Hook, clock: Clock) -> None:
    wishes = wanted(hook.url, other.url)
    all_tested(place, wishes, clock.now())
    hook.status = 500
    find(place, ALARM)
    for _ in range(30):
        alerts.tell(place, wishes, clock.pass_(60))
    assert hook.calls < 12, "it is tried ever more patiently"
    told = "\n".join(one["message"] for one in other.got)
    assert "alarms have not gone out by json://127.0.0.1 for" in told and "error=500" in told
    with Records(place.records) as records:
        assert "alerts-failing:json://127.0.0.1" in [one.id for one in records.open_findings()]
    hook.status = 200
    for _ in range(30):
        alerts.tell(place, wishes, clock.pass_(60))
    assert "the data has no room left" in hook.got[0]["message"], "what it missed arrives when it works again"
    assert any("well again" in title for title in other.titles)
    with Records(place.records) as records:
        assert "alerts-failing:json://127.0.0.1" not in [one.id for one in records.open_findings()]


def test_the_last_good_wishes_are_used_while_settings_are_wrong(place: Home) -> None:
    assert alerts.last_known(place) is None
    wishes = wanted("ntfy://t", resolver=53)
    alerts.keep(place, wishes)
    assert alerts.last_known(place) == wishes
    assert (place.secrets / "alerts.json").stat().st_mode & 0o777 == 0o600
