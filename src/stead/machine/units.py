"""The host's units: on a host with systemd the machine and the keeper are services and come back after a reboot."""

from __future__ import annotations

import shlex
from pathlib import Path

from stead.machine import naming, programs
from stead.run import run
from stead.words.errors import SteadError
from stead.words.home import Home

MACHINE_UNIT, KEEPER_UNIT = "stead-machine.service", "stead-keeper.service"
_FOLDER = Path("/etc/systemd/system")
_PROGRAM = "/usr/local/bin/stead"

_KEEPER = f"""\
[Unit]
Description=Stead: the keeper (backups, drills, watching)
After=network.target {MACHINE_UNIT}

[Service]
ExecStart={_PROGRAM} keeper
Restart=always
RestartSec=2s
# what the keeper started (a rehearsal, a collector) is not its own to end
KillMode=process
Delegate=yes

[Install]
WantedBy=multi-user.target
"""


def install_units(home: Home, *, machine: bool = True) -> None:
    """Install and enable the units of an ordinary installation; they are started by :func:`stead.machine.start` and
    by the next boot. On a host without systemd, or for another home, there is nothing to do.

    Not ``machine``: only the keeper comes back after a reboot, because it must do something before the machine.
    """
    if not home.is_default or not programs.has_systemd():
        return
    (_FOLDER / MACHINE_UNIT).write_text(machine_unit(home))
    (_FOLDER / KEEPER_UNIT).write_text(_KEEPER)
    run(["systemctl", "daemon-reload"], timeout=30)
    run(["systemctl", "enable", "--quiet", KEEPER_UNIT, *([MACHINE_UNIT] if machine else [])], timeout=30)


def remove_units(home: Home) -> None:
    """Stop the units, then remove them: nothing comes back after a reboot."""
    if not home.is_default or not programs.has_systemd():
        return
    for unit in (KEEPER_UNIT, MACHINE_UNIT):
        if (_FOLDER / unit).exists():
            run(["systemctl", "disable", "--quiet", "--now", unit], timeout=60, expect=())
            (_FOLDER / unit).unlink()
    run(["systemctl", "daemon-reload"], timeout=30)


def machine_unit(home: Home) -> str:
    """The live machine's unit: data is mounted first, then the same launcher as everywhere takes the saved plan."""
    environment = "\n".join(f'Environment="{name}={value}"' for name, value in programs.ENVIRONMENT.items())
    command = programs.launcher(naming.plan_file(home, naming.LIVE))
    if any("%" in word or "$" in word for word in command):
        raise SteadError(f"the program lies in a folder systemd cannot name: {shlex.join(command)}")
    return f"""\
[Unit]
Description=Stead: the machine (mail, calendar, files, page)
After=network-online.target local-fs.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
{environment}
ExecStartPre={_PROGRAM} data-mount
ExecStart={shlex.join(command)}
Restart=on-failure
RestartSec=1s
# the machine asks for a restart by this code
RestartForceExitStatus=133
SuccessExitStatus=133
KillMode=mixed
TimeoutStopSec=20s
Delegate=yes
TasksMax=8192

[Install]
WantedBy=multi-user.target
"""
