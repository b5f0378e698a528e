"""Publishing a folder to a booted machine, and markers and inventory of the page."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stead.probes.http import request
from stead.services.web import SERVICE
from stead.services.web.publish import publish
from stead.words.errors import SteadError, UsageError
from stead.words.progress import Silent
from tests.services.web.conftest import Booted

pytestmark = pytest.mark.boot


def fetch(booted: Booted, path: str) -> tuple[int, str]:
    answer = request(booted.target, "GET", path, auth=False)
    return answer.status, answer.text


def folder(place: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def test_publish_then_publish_something_else(booted: Booted, tmp_path: Path) -> None:
    first = folder(
        tmp_path / "one",
        {
            "index.html": "first",
            "style.css": "body {}",
            "photos/summer 2024 ☀ 100%.txt": "sun",
            "photos/deep/er/a.txt": "a",
            "was-file": "x",
            "was-folder/in": "y",
            ".git/config": "secret",
            ".well-known/matrix/client": "{}",
        },
    )
    (first / "link").symlink_to("/etc/passwd")
    os.mkfifo(first / "pipe")
    SERVICE.marker.write(booted.target, datetime.now(UTC))  # type: ignore[union-attr]
    done = publish(first, booted.target, Silent())
    assert (done.files, done.removed, done.has_first_page) == (7, 0, True)
    assert done.left_out == (".git", "link", "pipe")
    assert fetch(booted, "/") == (200, "first")
    assert fetch(booted, "/photos/summer%202024%20%E2%98%80%20100%25.txt") == (200, "sun")
    assert fetch(booted, "/.well-known/matrix/client")[0] == 200
    inventory = SERVICE.inventory(booted.data, ())  # type: ignore[misc]
    assert inventory.totals == {"files": 7, "bytes": done.bytes}

    second = folder(tmp_path / "two", {"index.html": "second", "was-file/now": "folder", "was-folder": "file"})
    done = publish(second, booted.target, Silent())
    assert fetch(booted, "/") == (200, "second")
    assert fetch(booted, "/was-file/now") == (200, "folder")
    assert fetch(booted, "/was-folder") == (200, "file")
    assert fetch(booted, "/style.css")[0] == 404 and fetch(booted, "/photos/")[0] == 404
    assert sorted(p.name for p in booted.site.iterdir() if p.name[0] != ".") == ["index.html", "was-file", "was-folder"]
    assert SERVICE.marker.newest(booted.target)  # type: ignore[union-attr]


def test_nothing_to_publish_removes_nothing(booted: Booted, tmp_path: Path) -> None:
    before = sorted(booted.site.rglob("*"))
    (tmp_path / "empty").mkdir()
    for place, words in ((tmp_path / "empty", "no file"), (tmp_path / "none", "not a folder")):
        with pytest.raises(UsageError, match=words):
            publish(place, booted.target, Silent())
    assert sorted(booted.site.rglob("*")) == before


def test_a_refusal_is_told(booted: Booted, tmp_path: Path) -> None:
    before = sorted(booted.site.rglob("*"))
    stranger = replace(booted.target, password="wrong")
    with pytest.raises(SteadError, match="401"):
        publish(folder(tmp_path / "p", {"index.html": "x"}), stranger, Silent())
    assert sorted(booted.site.rglob("*")) == before


def test_markers(booted: Booted) -> None:
    marker = SERVICE.marker
    assert marker
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)  # later than any other test's
    marker.write(booted.target, now - timedelta(hours=2))
    marker.write(booted.target, now - timedelta(minutes=2))
    assert marker.newest(booted.target) == now - timedelta(minutes=2)
    marker.write(booted.target, now)
    assert marker.newest(booted.target) == now
    kept = sorted(p.name for p in (booted.site / ".watch").iterdir())
    assert not any((now - timedelta(hours=2)).strftime("%H:%M:%S") in name for name in kept)
    assert fetch(booted, f"/.watch/{kept[-1]}")[0] == 404
