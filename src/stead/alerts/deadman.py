"""The dead man's switch: fed by what drills found, never by the end of a job.

An outside service is called while the newest drill of every place has passed and is fresh; its ``/fail`` is called when
one failed. When nothing is proven nothing is said: silence is what the service alarms about, as it does when the keeper
is dead, the computer off or the network cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from stead.alerts.deadlines import DRILL, PlaceProofs, age_of, read_proofs, sights
from stead.alerts.memory import Memory
from stead.alerts.moment import Moment
from stead.alerts.plan import fared
from stead.alerts.sending import Outcome, feed
from stead.alerts.state import Sight
from stead.alerts.wishes import Wishes
from stead.records import BROKEN, Proof, Records
from stead.words.home import Home
from stead.words.verdict import Verdict, worst

#: A drill proves something about today for this many intervals.
_FRESH = 2


def verdict(proofs: PlaceProofs, seen: Mapping[str, Sight], wishes: Wishes, now: Moment) -> Verdict:
    """What the drills of all places say together; one that is missing or stale proves nothing.

    The drill of the newest backup must have passed; a failed one of an older backup, or of a whole place, is a failure.
    """
    failed = [Verdict.FAIL for name, proof in proofs.newest.items() if _failed_drill(name, proof)]
    return worst([*(_of_place(proofs, seen, f"{DRILL} {place}", wishes, now) for place in wishes.places), *failed])


def _failed_drill(name: str, proof: Proof) -> bool:
    return name.startswith(f"{DRILL} ") and proof.verdict is Verdict.FAIL


def _of_place(proofs: PlaceProofs, seen: Mapping[str, Sight], name: str, wishes: Wishes, now: Moment) -> Verdict:
    newest = proofs.newest.get(name)
    if newest is None or newest.verdict is not Verdict.PASS:
        return newest.verdict if newest else Verdict.UNPROVEN
    return Verdict.PASS if age_of(seen, name, now) <= _FRESH * wishes.prove_every else Verdict.UNPROVEN


def feed_deadman(home: Home, wishes: Wishes, now: Moment | None = None) -> tuple[Verdict, Outcome | None]:
    """Feed it if there is something to say; the verdict, and what became of the call (None: none was made)."""
    now = now or Moment.now()
    memory = Memory(home)
    try:
        with Records(home.records) as records:
            proofs = read_proofs(records, wishes, now)
    except BROKEN:
        return Verdict.UNPROVEN, None
    state = memory.change(lambda before: replace(before, sights=sights(before.sights, proofs, wishes, now)))
    found = verdict(proofs, state.sights, wishes, now)
    if wishes.deadman is None or found is Verdict.UNPROVEN:
        return found, None
    outcome = feed(wishes.deadman if found is Verdict.PASS else failing(wishes.deadman))
    memory.change(
        lambda before: replace(
            before, feeding=fared(before.feeding, good=outcome.good, detail=outcome.detail, now=Moment.now())
        )
    )
    return found, outcome


def failing(url: str) -> str:
    """The address that says: it failed."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/fail"))
