"""Everything back: served from the mounted copy at once, fetched beside, moved over. Interrupted, it goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from stead import backup, data, live, release
from stead.records import Records
from stead.recovery import state as states
from stead.recovery.belongings import put
from stead.recovery.choosing import choose
from stead.recovery.fetching import adopt, fetch_data, fetch_programs, forget
from stead.recovery.moving import is_own, move_over
from stead.recovery.serving import mount, release_of, serve_copy
from stead.recovery.state import State
from stead.recovery.summary import Recovered, Serving
from stead.rehearsal.lock import Busy, held
from stead.settings import Settings, load
from stead.words.home import Home
from stead.words.kit import Kit
from stead.words.progress import Progress
from stead.words.quantities import read_time, say_time
from stead.words.verdict import Verdict

_AS_LONG_AS_IT_TAKES = 30 * 86400.0

Told = Callable[[Serving], object]


def recover(
    home: Home,
    kit: Kit,
    progress: Progress,
    *,
    place: str | None = None,
    snapshot: str | None = None,
    rebuild: bool = False,
    serving: Told = lambda _: None,
) -> Recovered:
    """Make this computer the kit's server: it serves the newest copy (or the one named) as soon as that is mounted.

    ``rebuild``: programs are made anew from Debian's signed packages, not taken from the place (after a break-in).
    ``serving`` is told when the server answers; the rest takes as long as the data is large. UsageError where a server
    lives already; UnprovenError when no place can be used.
    """
    before = states.load(home)
    with _turn(home, progress):
        if before is not None and before.kit == kit.id and states.load(home) is None:
            return _finish(home, load(home), before, progress)
        state = states.begin(home, kit, time.time())
        settings = put(home, kit)
        if state.place is None:
            state = _choose(home, kit, state, progress, place=place, snapshot=snapshot)
        if rebuild:
            live.ensure_release(home, progress)
        return _go_on(home, settings, state, progress, serving)


@contextmanager
def _turn(home: Home, progress: Progress) -> Iterator[None]:
    """Our turn at the recovery; the keeper, which goes on with one that was interrupted, may come to its end first."""
    with ExitStack() as stack:
        try:
            stack.enter_context(held(home, "recover"))
        except Busy:
            with progress.step("the keeper goes on with it: waiting"):
                stack.enter_context(held(home, "recover", wait=_AS_LONG_AS_IT_TAKES))
        yield


def go_on(home: Home, settings: Settings, progress: Progress) -> Recovered | None:
    """Go on with a recovery that was interrupted, needing nothing but this computer; None when there is none."""
    with held(home, "recover"):
        state = states.load(home)
        if state is None or state.place is None:
            return None
        return _go_on(home, settings, state, progress, lambda _: None)


def _choose(
    home: Home, kit: Kit, state: State, progress: Progress, *, place: str | None, snapshot: str | None
) -> State:
    program = release.opener(home, progress)
    with progress.step("looking for the newest copy"):
        copy = choose(home, kit, program, place=place, snapshot=snapshot)
        credentials = copy.place.credentials_file
        chosen = states.save(
            home,
            state,
            place={
                "name": copy.place.name,
                "url": copy.place.url,
                "password_file": str(copy.place.password_file),
                "credentials_file": str(credentials) if credentials else None,
            },
            snapshot=copy.snapshot.id,
            data_at=say_time(copy.snapshot.began_at),
            files=copy.snapshot.files,
            size=copy.snapshot.size,
        )
        mount(home, chosen, program)
        return states.save(home, chosen, release=release_of(home, chosen, copy.releases))


def _go_on(home: Home, settings: Settings, state: State, progress: Progress, serving: Told) -> Recovered:
    if state.restored and not state.moved:
        data.ensure_volume(home, own_btrfs=settings.data.btrfs)
        state = states.save(home, state, moved=is_own(home))
    if not state.moved:
        probes = serve_copy(home, settings, progress)
        if state.serving_after is None:
            state = states.save(home, state, serving_after=round(time.time() - state.began_at, 1))
        serving(Serving(settings.name, state.serving_after or 0.0, live.endpoints(home, settings), probes))
        fetch_programs(home, state, progress)
        if not state.restored:
            fetch_data(home, state, progress)
            state = states.save(home, state, restored=True)
        adopt(home, settings, state, progress)
        state = move_over(home, settings, state, progress)
    return _finish(home, settings, state, progress)


def _finish(home: Home, settings: Settings, state: State, progress: Progress) -> Recovered:
    _tidy(home, settings)
    summary = live.up(home, settings, progress)
    states.end(home)
    recovered = Recovered(
        place=state.place_noun().name,
        snapshot=str(state.snapshot),
        data_at=read_time(state.data_at),
        files=state.files,
        size=state.size,
        serving_after=state.serving_after or 0.0,
        seconds=round(time.time() - state.began_at, 1),
        up=summary,
    )
    _prove(home, state, recovered)
    return recovered


def _tidy(home: Home, settings: Settings) -> None:
    """What only a recovery needs; from here on data is this computer's own."""
    backup.let_go(home.recovery_mount)
    data.ensure_volume(home, own_btrfs=settings.data.btrfs)
    data.drop_layer(home)
    forget(home)
    if home.recovering.exists():
        shutil.rmtree(home.recovering)


def _prove(home: Home, state: State, recovered: Recovered) -> None:
    seen = {
        "kit": state.kit,
        "place": recovered.place,
        "snapshot": recovered.snapshot,
        "release": recovered.up.release,
        "serving_after": recovered.serving_after,
    }
    with Records(home.records) as records:
        verdict = recovered.up.verdict if recovered.up.probes else Verdict.UNPROVEN
        records.save_proof("recover", verdict, datetime.now(UTC), recovered.seconds, seen)
