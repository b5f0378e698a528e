"""The documents say what the code does: these tests fail when one of the two goes on alone."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from stead import services
from stead.cli.root import VERBS
from stead.run import run
from stead.settings import reference
from tests.architecture.source import REPOSITORY, tracked

DOCS = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
OWNERS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs/operate").glob("*.md"))]

_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
#: A command as documents show it: at the start of a code span or of a line in a code block.
_COMMAND = re.compile(r"(?:`|^\s*(?:\$ |# )?)(?:sudo )?(?:\./)?stead ([a-z][a-z-]*)", re.MULTILINE)


def name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link for link in _LINK.findall(page.read_text()) if "://" not in link and not link.startswith("mailto:")]
    broken = [link for link in targets if not (page.parent / link).exists()]
    assert not broken


@pytest.mark.parametrize("page", OWNERS, ids=name)
def test_commands_in_documents_exist(page: Path) -> None:
    unknown = {verb for verb in _COMMAND.findall(page.read_text()) if verb not in VERBS}
    assert not unknown


def test_every_command_is_in_the_readme() -> None:
    shown = set(_COMMAND.findall((REPOSITORY / "README.md").read_text()))
    assert set(VERBS) <= shown, f"README.md does not name: {sorted(set(VERBS) - shown)}"


def test_the_settings_page_is_the_one_the_declarations_make() -> None:
    assert (REPOSITORY / "docs/operate/settings.md").read_text() == reference.page()


def test_the_map_names_every_room_and_service() -> None:
    text = (REPOSITORY / "docs/map.md").read_text()
    source = REPOSITORY / "src/stead"
    rooms = [path.parent.name for path in source.glob("*/__init__.py")]
    folders = [f"services/{path.parent.name}" for path in source.glob("services/*/__init__.py")]
    missing = [room for room in [*rooms, *folders] if f"`{room}`" not in text]
    assert not missing, f"docs/map.md does not tell what is in: {missing}"
    gone = [room for room in re.findall(r"`(services/[a-z]+)`", text) if not (source / room).is_dir()]
    assert not gone, f"docs/map.md tells of rooms that are not there: {gone}"


def test_ports_in_the_documents_are_the_declared_ones() -> None:
    text = (REPOSITORY / "docs/operate/mail-clients.md").read_text()
    for port in services.all_ports():
        if port.name in ("imaps", "submissions", "https", "sieve"):
            assert str(port.local) in text, f"{port.name} is on {port.local} in local mode"


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (REPOSITORY / "docs/decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_words_are_spelled_right() -> None:
    # Not the tests: they hold mistakes on purpose.
    kinds = (".md", ".py", ".sh", ".toml", ".html", ".conf", ".service")
    texts = [path for path in tracked() if path.suffix in kinds and not path.is_relative_to(REPOSITORY / "tests")]
    said = run(
        [Path(sys.executable).with_name("codespell"), "--ignore-words-list", "iif,te,fo,ro", *texts],
        timeout=60,
        expect=(),
    )
    assert said.code == 0, said.out
