"""Paths that are not what they seem are refused before anything looks at them."""

from __future__ import annotations

import pytest

from stead.services.files.guest.paths import is_plain


@pytest.mark.parametrize("path", ["/", "/alice/", "/alice/a b.txt", "/alice/été 2026/100%.txt", "/alice/..a/b.."])
def test_plain_paths(path: str) -> None:
    assert is_plain(path, path)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/alice/../bob", "/alice/../bob"),
        ("/alice/%2e%2e/bob", "/alice/../bob"),
        ("/alice/./a", "/alice/./a"),
        ("/alice%2Fa", "/alice/a"),
        ("/alice%2fa", "/alice/a"),
        ("/alice/%5ca", "/alice/\\a"),
        ("/alice/\\a", "/alice/\\a"),
        ("/alice/a%00", "/alice/a\0"),
        ("/alice/a%0a", "/alice/a\n"),
        ("/alice/a#b", "/alice/a"),
        ("/alice/" + "n" * 256, "/alice/" + "n" * 256),
    ],
)
def test_tricks(raw: str, path: str) -> None:
    assert not is_plain(raw, path)
