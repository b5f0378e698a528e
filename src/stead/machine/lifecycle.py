"""Start a machine, find it, stop it: the same way for the live one and for every rehearsal."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import time
from pathlib import Path

from stead.machine import cgroups, guest, logs, naming, network, processes, programs, saved, state
from stead.machine.firewall import local_port
from stead.run import CommandError, kernel, run
from stead.run import start as start_process
from stead.words.errors import SteadError
from stead.words.home import Home
from stead.words.machine import Machine, MachinePlan
from stead.words.probe import Endpoint
from stead.words.progress import Progress

BOOT_LIMIT = 90.0
_POLL = 0.05
_STOP_LIMIT = 20.0
_DEAD_WITHIN = 5.0
_LAST_WORDS = 12


def start(plan: MachinePlan, progress: Progress) -> Machine:
    """Boot the plan's machine and return it when it has started everything it starts (its probes come after).

    SteadError with its last words when it does not come up; nothing of it is left then.
    """
    if find(plan.home, plan.name) is not None:
        raise SteadError(f"the machine {plan.name} is running already", hint="stop it first")
    with progress.step(f"booting {plan.name}", expected=2.0):
        stop(plan.home, plan.name)
        folder = naming.folder(plan.home, plan.name)
        folder.mkdir(parents=True, mode=0o700)
        saved.save(plan, naming.plan_file(plan.home, plan.name))
        try:
            with _listen(folder) as notices:
                _spawn(plan)
                _wait_ready(plan, notices)
            machine = find(plan.home, plan.name)
            if machine is None:
                raise SteadError(_why_not(plan, "ended right after it came up"))
        except BaseException:
            stop(plan.home, plan.name)
            raise
    return machine


def find(home: Home, name: str) -> Machine | None:
    """The machine of that name, if it runs. One that was told to stop does not, even if whoever told it is dead."""
    folder = naming.folder(home, name)
    supervisor = state.noted(folder, "supervisor")
    leader = state.leader(supervisor) if supervisor else None
    if leader is None or state.noted(folder, "stopping") == supervisor:
        return None
    plan = saved.load(naming.plan_file(home, name))
    link = naming.link(home, name, plan.network)
    published = {port.name: Endpoint("127.0.0.1", local_port(plan, port)) for port in plan.ports}
    return Machine(home, name, published, link.outside, link.outside_netns, leader)


def saved_plan(home: Home, name: str) -> MachinePlan:
    """The plan the machine was last started with; SteadError when it never was."""
    return saved.load(naming.plan_file(home, name))


def all_names(home: Home) -> tuple[str, ...]:
    """The names of the machines that run or have left something in their folder."""
    return tuple(sorted(entry.name for entry in home.machines.iterdir())) if home.machines.is_dir() else ()


def stop(home: Home, name: str) -> None:
    """End the machine and take away everything of it. The live one may finish its work first, a rehearsal may not.

    Does nothing where nothing is; works whoever of launcher, supervisor and keeper is dead already.
    """
    folder = naming.folder(home, name)
    supervisor = state.noted(folder, "supervisor")
    if supervisor:
        state.note(folder, "stopping", supervisor)
    gentle = name == naming.LIVE
    if programs.has_systemd():
        _stop_unit(naming.unit(home, name), gentle)
    elif supervisor and gentle and state.leader(supervisor):
        state.kill({supervisor}, signal.SIGTERM)
        state.wait_gone({supervisor}, _STOP_LIMIT)
    clear(home, name)


def clear(home: Home, name: str) -> None:
    """Take away what is left of a machine: processes, cgroup, network, mounts, folder."""
    folder = naming.folder(home, name)
    found = processes.of_machine(home, name)
    collector = state.noted(folder, "collector")
    state.kill(found - {collector})
    state.wait_gone(found - {collector}, _DEAD_WITHIN)
    if collector:  # it ends by itself when it has written the machine's last lines
        late = state.wait_gone({collector}, 1.0)
        state.kill(late)
        state.wait_gone(late, _DEAD_WITHIN)
    if not programs.has_systemd():
        cgroups.remove(naming.key(home, name))
    network.remove(home, name)
    for where, _ in reversed(kernel.mount_points()):
        if where.is_relative_to(folder):
            kernel.detach(where)
    shutil.rmtree(folder, ignore_errors=True)


def _spawn(plan: MachinePlan) -> None:
    file = naming.plan_file(plan.home, plan.name)
    unit = naming.unit(plan.home, plan.name)
    if not programs.has_systemd():
        with open(naming.folder(plan.home, plan.name) / "launch.log", "wb") as said:
            start_process(programs.launcher(file), stdout=said, stderr=said, env=programs.ENVIRONMENT)
    elif (Path("/etc/systemd/system") / unit).exists():
        run(["systemctl", "start", "--no-block", unit], timeout=30)
    else:
        properties = ("Delegate=yes", "KillMode=mixed", "TimeoutStopSec=20s", "TasksMax=8192")
        run(
            ["systemd-run", "--quiet", "--collect", "--no-block", f"--unit={unit}", "--service-type=exec"]
            + [f"--property={value}" for value in properties]
            + [f"--setenv={name}={value}" for name, value in programs.ENVIRONMENT.items()]
            + programs.launcher(file),
            timeout=30,
        )


def _stop_unit(unit: str, gentle: bool) -> None:
    if not gentle:
        run(["systemctl", "kill", "--signal=SIGKILL", unit], timeout=10, expect=())
    try:
        run(["systemctl", "stop", unit], timeout=_STOP_LIMIT + 5, expect=())
    except CommandError:
        run(["systemctl", "kill", "--signal=SIGKILL", unit], timeout=10, expect=())
    run(["systemctl", "reset-failed", unit], timeout=10, expect=())


def _listen(folder: Path) -> socket.socket:
    """The socket nspawn reports to; bound by number, for a home's folder may be longer than a socket's name."""
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        notices.bind(f"/proc/self/fd/{handle}/notify")
    finally:
        os.close(handle)
    return notices


def _wait_ready(plan: MachinePlan, notices: socket.socket) -> None:
    folder = naming.folder(plan.home, plan.name)
    began = time.monotonic()
    seen = False
    while time.monotonic() - began < BOOT_LIMIT:
        ready, _, _ = select.select([notices], [], [], _POLL)
        if ready and b"READY=1" in notices.recv(4096).split(b"\n"):
            return
        alive = state.noted(folder, "supervisor") is not None
        if seen and not alive:
            raise SteadError(_why_not(plan, "ended while it was booting"))
        seen = seen or alive
        if not seen and time.monotonic() - began > _DEAD_WITHIN:
            break
    raise SteadError(_why_not(plan, f"did not come up within {time.monotonic() - began:.0f} s"))


def _why_not(plan: MachinePlan, what: str) -> str:
    """The message of a failed start: failed units if they can be had, and the last words of console and launcher."""
    lines = [f"the machine {plan.name} {what}"]
    machine = find(plan.home, plan.name)
    if machine:
        lines.append(guest.say_failed(machine))
    said = naming.folder(plan.home, plan.name) / "launch.log"
    lines += said.read_text(errors="replace").splitlines()[-_LAST_WORDS:] if said.exists() else []
    lines += logs.console(plan.home, plan.name)[-_LAST_WORDS:]
    return "\n".join(lines)
