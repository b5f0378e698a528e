"""What data holds, counted per service, and the comparison of what was saved with what is there.

Counting reads names only, never contents, and follows no symbolic link: the tree belongs to the machine's users.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from stead.words.declaration import Inventory, Service

#: Service name to what it holds.
Inventories = Mapping[str, Inventory]


def count(services: Sequence[Service], root: Path, users: tuple[str, ...]) -> dict[str, Inventory]:
    """Count what each service holds for ``users`` in the data tree at ``root``."""
    return {service.name: service.inventory(root, users) for service in services if service.inventory is not None}


def to_json(inventories: Inventories) -> str:
    """An inventory as it travels in a picture and in the records."""
    return json.dumps({name: asdict(inventory) for name, inventory in inventories.items()}, sort_keys=True)


def from_json(text: str) -> dict[str, Inventory]:
    """The inventory written by :func:`to_json`; ValueError or KeyError when the text is not one."""
    return {name: Inventory(raw["totals"], raw["parts"]) for name, raw in json.loads(text).items()}


def totals(inventories: Inventories) -> dict[str, dict[str, int]]:
    """The totals alone, as ``stead drill --json`` shows them."""
    return {name: dict(inventory.totals) for name, inventory in inventories.items()}


def differences(expected: Inventories, found: Inventories) -> list[str]:
    """What is not as it was recorded, one sentence each, the worst first; empty when everything is there."""
    lines: list[str] = []
    for name, wanted in expected.items():
        there = found.get(name)
        if there is None:
            lines.append(f"{name}: nothing could be counted")
            continue
        for part, number in wanted.parts.items():
            got = there.parts.get(part)
            if got is None:
                lines.append(f"{name}: {part} is missing (it held {number})")
            elif got != number:
                lines.append(f"{name}: {part} holds {got} instead of {number}")
        for kind, number in wanted.totals.items():
            got = there.totals.get(kind, 0)
            if got != number:
                lines.append(f"{name}: {got} {kind} instead of {number}")
    return sorted(lines, key=lambda line: "missing" not in line)


def vanished(before: Inventories, after: Inventories) -> list[str]:
    """Users who held something in ``before`` and nothing at all of that service in ``after``.

    A backup taken of data that was already emptied is equal to its own inventory, so this is what tells it.
    """
    lines = []
    for name, inventory in before.items():
        had, has = _per_user(inventory), _per_user(after.get(name, Inventory({}, {})))
        lines += [
            f"{name}: everything of {user} is gone (it held {number} in the backup before)"
            for user, number in sorted(had.items())
            if number > 0 and has.get(user, 0) == 0
        ]
    return lines


def _per_user(inventory: Inventory) -> dict[str, int]:
    held: dict[str, int] = {}
    for part, number in inventory.parts.items():
        user = part.split("/", 1)[0]
        held[user] = held.get(user, 0) + number
    return held
