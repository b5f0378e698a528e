from __future__ import annotations

import dataclasses

import pytest

from stead.release import recipe_digest, recipe_of
from stead.release.accounts import account_lines
from stead.release.recipe import locked_python
from stead.words.declaration import Service, ServiceUser, TreeFile
from stead.words.errors import UsageError

STONE = Service(
    "stone",
    "a stone",
    packages=("stone", "tzdata"),
    groups={"pebbles": 700},
    users=(ServiceUser("stone", 701, ("pebbles", "www-data")),),
    tree_files=lambda: (TreeFile("/etc/stone", b"grey"),),
)


def test_a_recipe_gathers_base_and_services_without_doubles() -> None:
    recipe = recipe_of([STONE])
    assert "systemd" in recipe.packages
    assert recipe.packages.count("tzdata") == 1
    assert recipe.python == ()
    assert recipe.files == (TreeFile("/etc/stone", b"grey"),)


def test_python_parts_come_with_the_whole_lock() -> None:
    recipe = recipe_of([dataclasses.replace(STONE, python=("WsgiDAV==4.4.0",))])
    assert recipe.python == locked_python()
    assert all("--hash=sha256:" in line for line in recipe.python)


def test_an_unknown_python_part_is_refused() -> None:
    with pytest.raises(UsageError, match="mystery"):
        recipe_of([dataclasses.replace(STONE, python=("mystery==1",))])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Service("b", "b", users=(ServiceUser("stone", 702),)), "user stone differently"),
        (Service("b", "b", users=(ServiceUser("glass", 701),)), "same number 701"),
        (Service("b", "b", groups={"pebbles": 705}), "group pebbles with different numbers"),
        (Service("b", "b", users=(ServiceUser("glass", 706, ("nobodys",)),)), "nobodys"),
        (Service("b", "b", tree_files=lambda: (TreeFile("/etc/stone", b"red"),)), "different files at /etc/stone"),
    ],
)
def test_services_that_contradict_each_other_are_named(other: Service, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        recipe_of([STONE, other])


def test_the_digest_follows_what_is_built_and_not_where_it_comes_from() -> None:
    recipe = recipe_of([STONE])
    digest = recipe_digest(recipe)
    assert recipe_digest(dataclasses.replace(recipe, mirror="http://elsewhere")) == digest
    assert recipe_digest(dataclasses.replace(recipe, packages=tuple(reversed(recipe.packages)))) == digest
    for changed in (
        dataclasses.replace(recipe, packages=(*recipe.packages, "more")),
        dataclasses.replace(recipe, files=(TreeFile("/etc/stone", b"red"),)),
        dataclasses.replace(recipe, files=(TreeFile("/etc/stone", b"grey", mode=0o600),)),
        dataclasses.replace(recipe, users=recipe.users[1:]),
    ):
        assert recipe_digest(changed) != digest


def test_account_lines_fix_every_number() -> None:
    lines = account_lines(recipe_of([STONE]))
    assert "stone:x:701:701::/nonexistent:/usr/sbin/nologin\n" in lines["passwd"]
    assert "pebbles:x:700:stone\n" in lines["group"]
    assert "stone:!*:20309::::::\n" in lines["shadow"]
    assert lines["group"].count("\n") == lines["gshadow"].count("\n")
