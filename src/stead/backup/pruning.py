"""Taking old backups out of a place, and counting afterwards that what was to go is gone and nothing else.

What is to be removed is decided from our own list (``retention``) and named by full ids; restic decides nothing. The
mark ``pruning`` in our list is set before and taken away after, so a kill anywhere is made good by the next run.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from stead.backup import restic as calls
from stead.backup.cycle import lost, really_there
from stead.backup.holds import holds
from stead.backup.known import load_known, save_known
from stead.backup.locks import alone
from stead.backup.opening import open_place
from stead.backup.place import Place, credentials
from stead.backup.restic import Restic, check, list_ids, repository_id, unlock
from stead.backup.retention import Choice, choose, choose_within, let_go_on_purpose
from stead.backup.troubles import PlaceDamaged, first
from stead.settings import RetentionSettings
from stead.words.home import Home
from stead.words.verdict import Verdict

#: Seconds for the parts that read all metadata of a place.
_LONG = 6 * 3600.0
#: Seconds to wait for readers and a backup.
WAIT = 600.0


@dataclass(frozen=True)
class Pruned:
    """What became of pruning one place. ``removed`` are snapshots of data and releases that are gone from it.

    ``waiting`` may go and are still there: it was a dry run, something holds pruning, or it is done ``elsewhere``.
    ``listed`` is what the place lists now.
    """

    place: str
    verdict: Verdict
    removed: tuple[str, ...]
    waiting: tuple[str, ...]
    kept: int
    seconds: float
    reason: str | None = None
    elsewhere: bool = False
    listed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Order:
    """How a place is to be pruned. ``current`` is the release in use; ``credentials_file`` may delete (None: the
    place's own may); ``elsewhere``: not from here at all."""

    rule: RetentionSettings
    current: str
    credentials_file: Path | None = None
    elsewhere: bool = False
    dry_run: bool = False


def prune(home: Home, place: Place, program: Path, order: Order, now: datetime) -> Pruned:
    """Prune one place under the lock ``alone``. Raises the nouns of ``troubles`` when it cannot be used.

    Nothing is removed from a place that lost something, nor while ``holds`` names a reason.
    """
    began = time.monotonic()
    with alone(home, place, wait=WAIT):
        made = _Pruning(home, Restic(program, place), order, now)
        done = made.elsewhere() if order.elsewhere else made.here()
    return replace(done, seconds=time.monotonic() - began)


class _Pruning:
    """One pruning under way. ``restic`` looks, cold; ``deleter`` is the one that may delete."""

    def __init__(self, home: Home, restic: Restic, order: Order, now: datetime) -> None:
        self.home, self.restic, self.order, self.now = home, restic, order, now
        self.name = restic.place.name
        open_place(home, restic)
        self.known = load_known(home, self.name)
        self.listed = list_ids(restic, "snapshots")
        self.removed: frozenset[str] = frozenset()

    def here(self) -> Pruned:
        """Forget what may go, count, remove its data, check."""
        cut_off = self.known.pruning is not None or self.known.elsewhere is not None
        if cut_off and (problems := self._settle()):
            return self._bad(problems, "an earlier pruning was cut off; now")
        choice = choose(self.known.snapshots, self.order.rule, self.now)
        # What is lost is missed for as long as it was to stay.
        self._drop(frozenset(one.id for one in choice.let_go) - self.listed)
        if problems := self._losses():
            return self._bad(problems, "nothing was pruned, for")
        chosen = (frozenset(one.id for one in choice.let_go) | self._releases(choice)) & self.listed
        if reasons := holds(self.home, self.name):
            return self._ended(Verdict.UNPROVEN, chosen, f"nothing is pruned while: {first(reasons)}")
        if self.order.dry_run:
            return self._ended(Verdict.PASS, chosen)
        if not (chosen or cut_off):
            self._save()
            return self._ended(Verdict.PASS, chosen)
        return self._remove(chosen)

    def elsewhere(self) -> Pruned:
        """Only look: what the rule lets go may be gone; then the structure says which packs belong there."""
        self._save(elsewhere=self.order.rule)
        gone = let_go_on_purpose(self.known, self.now) - self.listed
        if (gone or self.known.pruning is not None) and (problems := self._settle()):
            return self._bad(problems, "after it was pruned elsewhere")
        if problems := self._losses():
            return self._bad(problems, "this is more than the rule lets go:")
        choice = choose_within(self.known.snapshots, self.order.rule, self.now)
        return self._ended(Verdict.PASS, frozenset(one.id for one in choice.let_go) & self.listed)

    def _remove(self, chosen: frozenset[str]) -> Pruned:
        deleter = self._deleter()
        unlock(deleter)
        before = self.listed
        self._save(pruning=chosen)
        said = calls.forget(deleter, chosen) if chosen else ()
        self.listed = list_ids(self.restic, "snapshots")
        self._drop(chosen - self.listed)
        if problems := miscounted(before, chosen, self.listed, said):
            # Restic's prune did not run yet: every pack is where it was.
            self._save(pruning=None)
            return self._bad(problems, "forgetting went wrong:")
        calls.prune(deleter, timeout=_LONG)
        if problems := self._settle():
            return self._bad(problems, "after pruning")
        if problems := self._losses():
            return self._bad(problems, "after pruning")
        return self._ended(Verdict.PASS, frozenset())

    def _settle(self) -> tuple[str, ...]:
        """End the mark: when the structure is whole, what is listed is what must be there from now on."""
        if problems := check(self.restic, timeout=_LONG).problems:
            return problems
        packs, self.listed, indexes = really_there(self.restic)
        self._drop(let_go_on_purpose(self.known, self.now) - self.listed)
        elsewhere = self.order.rule if self.order.elsewhere else None
        self._save(packs=packs, indexes=indexes, pruning=None, elsewhere=elsewhere)
        return ()

    def _losses(self) -> tuple[str, ...]:
        packs, self.listed, indexes = really_there(self.restic)
        return lost(self.known, packs, self.listed, indexes, self.now)

    def _releases(self, choice: Choice) -> frozenset[str]:
        """Snapshots of releases that no backup needs which stays, and that are not in use."""
        let_go = {one.id for one in choice.let_go}
        needed = {one.release for one in self.known.snapshots if one.id not in let_go} | {self.order.current}
        return frozenset(id_ for release, id_ in self.known.releases.items() if release not in needed)

    def _deleter(self) -> Restic:
        """Restic with the credential that may delete, and with the cache: pruning reads all metadata."""
        place, cache = self.restic.place, self.home.lib / "cache/restic"
        if self.order.credentials_file is None:
            return Restic(self.restic.program, place, cache)
        place = replace(place, credentials_file=self.order.credentials_file)
        place = replace(place, url=credentials(place).get("RESTIC_REPOSITORY", place.url))
        deleter = Restic(self.restic.program, place, cache)
        if repository_id(deleter) != self.known.repository:
            raise PlaceDamaged(
                f"prune_credentials_file of the place {self.name} opens another repository than the place's own",
                hint="correct the address in it",
            )
        return deleter

    def _drop(self, ids: frozenset[str]) -> None:
        self.removed |= ids & self.known.expected_snapshots
        self.known = replace(
            self.known,
            snapshots=tuple(one for one in self.known.snapshots if one.id not in ids),
            releases={release: id_ for release, id_ in self.known.releases.items() if id_ not in ids},
        )

    def _save(self, **changes: object) -> None:
        self.known = replace(self.known, **changes)  # type: ignore[arg-type]
        save_known(self.home, self.name, self.known)

    def _bad(self, problems: Sequence[str], words: str) -> Pruned:
        return self._ended(Verdict.FAIL, frozenset(), f"{words} {first(problems)}")

    def _ended(self, verdict: Verdict, waiting: frozenset[str], reason: str | None = None) -> Pruned:
        kept = len(self.known.expected_snapshots - waiting)
        return Pruned(
            self.name, verdict, tuple(sorted(self.removed)), tuple(sorted(waiting)), kept, 0.0, reason,
            self.order.elsewhere, self.listed,
        )  # fmt: skip


def miscounted(
    before: frozenset[str], chosen: frozenset[str], after: frozenset[str], said: Sequence[str] = ()
) -> tuple[str, ...]:
    """What is wrong when ``before`` without ``chosen`` is not exactly what is listed ``after``."""
    found = []
    for words, ids in (
        ("were to go and are still there: deleting is refused", chosen & after),
        ("are gone that were to stay", before - chosen - after),
        ("appeared meanwhile: another program writes into the place", after - before),
    ):
        if ids:
            found.append(f"{len(ids)} snapshots {words} ({', '.join(sorted(one[:8] for one in ids)[:5])})")
    return (*found, *said[:2]) if found else ()
