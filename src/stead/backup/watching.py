"""Looking at a place from outside: what another computer of the owner runs, which the host's own root cannot fool.

It only reads, and judges by its own list: what it has seen once must stay. A host that was broken into may lie in its
own list; it cannot reach into this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stead.backup.cycle import lost, really_there
from stead.backup.known import Known
from stead.backup.place import Place
from stead.backup.restic import Restic, check, list_ids, repository_id
from stead.backup.troubles import PlaceDamaged


@dataclass(frozen=True)
class Watched:
    """One look. ``lost`` and ``damaged`` are sentences and bad; ``new`` counts what came since the last look."""

    lost: tuple[str, ...]
    damaged: tuple[str, ...]
    new: Mapping[str, int]
    counts: Mapping[str, int]

    @property
    def well(self) -> bool:
        """Whether everything that was seen once is still there, and is what it was."""
        return not self.lost and not self.damaged


def watch(
    place: Place, known: Known, program: Path, *, gone_meant: frozenset[str] = frozenset(), deep: bool = False
) -> tuple[Watched, Known]:
    """Look at ``place``; returns what is wrong and the list to come back with (the first time: ``Known()``).

    ``gone_meant`` are ids of snapshots that were to go, as the owner knows from retention. ``deep`` also checks that
    what is there fits together. Raises the nouns of ``troubles`` when the place cannot be read.
    """
    restic = Restic(program, place)
    found = repository_id(restic)
    if known.repository not in (None, found):
        raise PlaceDamaged(
            f"at the place {place.name} there is another repository than before",
            hint="somebody replaced it, or made it anew; the old copies are not in this one",
        )
    packs, listed, indexes = really_there(restic)
    keys = list_ids(restic, "keys")
    expected = replace(known, snapshots=(), releases={one: one for one in known.expected_snapshots - gone_meant})
    problems = check(restic).problems if deep else ()
    now = {"packs": packs, "snapshots": listed, "indexes": indexes, "keys": keys}
    seen = {"packs": known.packs, "snapshots": known.expected_snapshots, "indexes": known.indexes}
    watched = Watched(
        lost=lost(expected, packs, listed, indexes),
        damaged=problems,
        new={kind: len(now[kind] - seen[kind]) for kind in seen},
        counts={kind: len(ids) for kind, ids in now.items()},
    )
    # What was lost stays on the list: it is told at each look until the owner says what it was.
    after = Known(
        repository=found,
        packs=expected.packs | packs,
        indexes=expected.indexes | indexes,
        releases={one: one for one in expected.expected_snapshots | listed},
    )
    return watched, after
