"""From nothing to a proven server, and from an old server to what the settings say: each step only when needed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from stead import data, machine, release, services
from stead.live.dns import wanted_records
from stead.live.save import Saving, backup
from stead.live.summary import UpSummary
from stead.live.watch import endpoints, mark, probe, running
from stead.records import Records
from stead.rehearsal import DrillReport, drill, sweep
from stead.rehearsal.assemble import plan, watch_password
from stead.rehearsal.known import places, port_shift
from stead.rehearsal.lock import held
from stead.release import Release, ReleaseStore
from stead.services import identity, tls
from stead.services.identity import Accounts
from stead.settings import Settings
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.machine import MachinePlan, NetworkKind
from stead.words.probe import ProbeResult
from stead.words.progress import Progress
from stead.words.verdict import Verdict

#: Seconds a booted machine gets until every capability must have passed once.
READY_WITHIN = 90.0


def up(home: Home, settings: Settings, progress: Progress) -> UpSummary:
    """Bring the host to what the settings say and prove it; safe to interrupt and to run again."""
    with held(home, "up", wait=5):
        data.require_own(home)
        for folder in (home.etc, home.lib, home.run):
            folder.mkdir(parents=True, exist_ok=True)
        built = ensure_release(home, progress)
        with progress.step("data"):
            if machine.find(home, "live") is None:
                # One that is still ending (its stop was killed) writes into data until it has.
                machine.stop(home, "live")
            _data(home, settings)
        _boot(home, settings, built, progress)
        probes = _until_proven(home, settings, progress)
        with progress.step("markers into every service"):
            _mark(home, settings)
        savings, drilled = _first_proof(home, settings, progress)
    return UpSummary(
        name=settings.name,
        release=built.id,
        endpoints=endpoints(home, settings),
        accounts=tuple(account.name for account in Accounts(home.data, settings.name).list()),
        probes=probes,
        savings=savings,
        drill=drilled,
        same_disk=all(place.same_disk for place in places(home, settings)),
        dns=wanted_records(home, settings) if settings.public else (),
    )


def restart(home: Home, settings: Settings, progress: Progress) -> None:
    """Stop the live machine and start it again as the settings say."""
    with held(home, "up", wait=60):
        data.require_own(home)
        machine.stop(home, "live")
        with progress.step("data"):
            _data(home, settings)
        release_now = ReleaseStore(home).current()
        if release_now is None:
            raise SteadError("there is no release yet", hint="build and start the server: stead up")
        _boot(home, settings, release_now, progress)
        _until_proven(home, settings, progress)


def ensure_release(home: Home, progress: Progress) -> Release:
    """The release that fits this program: the current one, another one in the store, or one built now."""
    store = ReleaseStore(home)
    recipe = release.recipe_of(services.SERVICES)
    wanted = release.recipe_digest(recipe)
    current = store.current()
    if current is not None and current.recipe == wanted:
        return current
    fitting = next((one for one in store.list() if one.recipe == wanted), None)
    built = fitting or store.build(recipe, progress)
    store.make_current(built.id)
    return built


def _data(home: Home, settings: Settings) -> None:
    data.ensure_volume(home, size=settings.data.first_size, own_btrfs=settings.data.btrfs)
    make_usable(home, settings, datetime.now(UTC))


def make_usable(home: Home, settings: Settings, now: datetime) -> None:
    """What data needs before a machine boots on it: folders, keys, a certificate that holds, our own login."""
    if machine.find(home, "live") is None:
        services.prepare_data(home.data)
    identity.ensure_dkim(home.data)
    names = tls.names_for(settings.name, settings.hostname)
    tls.ensure_certificate(home, home.data, names, now)
    accounts = Accounts(home.data, settings.name)
    accounts.ensure_watch(watch_password(home))
    accounts.refresh()


def live_plan(home: Home, settings: Settings, tree: Path) -> MachinePlan:
    """What the live machine is to be, with the programs in ``tree``."""
    return plan(
        home,
        settings,
        name="live",
        tree=tree,
        data=home.data,
        network=NetworkKind.PUBLIC if settings.public else NetworkKind.LOCAL,
        port_shift=port_shift(home, settings),
    )


def _boot(home: Home, settings: Settings, built: Release, progress: Progress) -> None:
    wanted = live_plan(home, settings, built.tree)
    if machine.find(home, "live") is not None:
        if machine.saved_plan(home, "live") == wanted:
            return
        with progress.step("stopping the machine, to start it as the settings say"):
            machine.stop(home, "live")
            services.prepare_data(home.data)
    if home.is_default:
        machine.install_units(home)
    machine.start(wanted, progress)


def _until_proven(home: Home, settings: Settings, progress: Progress) -> tuple[ProbeResult, ...]:
    """Probe until everything passed; what still fails when the time is over is in the result."""
    with progress.step("probing every capability from outside", expected=4.0):
        return probe(home, settings, patience=READY_WITHIN)


def _mark(home: Home, settings: Settings) -> None:
    """Markers into every service; asked again once, for a connection that a reloading daemon closed."""
    for _ in range(2):
        wrong = {name: error for name, error in mark(home, settings).items() if error}
        if not wrong:
            return
    words = "; ".join(f"{name}: {error}" for name, error in wrong.items())
    raise SteadError(
        f"a marker could not be written: {words} (inside {machine.say_failed(running(home))})",
        hint="stead logs shows what the service says",
    )


def _first_proof(home: Home, settings: Settings, progress: Progress) -> tuple[tuple[Saving, ...], DrillReport | None]:
    """The first backup and the first drill; afterwards they are the keeper's daily work."""
    with Records(home.records) as records:
        if any(proof.verdict is Verdict.PASS for proof in records.proofs("drill", limit=20)):
            return (), None
    savings = backup(home, settings, progress)
    return savings, drill(home, settings, progress)


def clean(home: Home) -> None:
    """Take away what rehearsals and machines of a dead keeper left."""
    sweep(home)
    machine.sweep(home)
