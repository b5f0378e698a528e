"""The machine room: boot a machine, find it, look inside, read its log, stop it so that nothing is left."""

from stead.machine.collecting import ensure as ensure_collector
from stead.machine.guest import Answer, ask, failed_units, say_failed, talk, wait_booted
from stead.machine.lifecycle import all_names as names
from stead.machine.lifecycle import find, saved_plan, start, stop
from stead.machine.logs import LogLine, console, read_logs
from stead.machine.naming import outside_address
from stead.machine.ports import free_port_shift, kept_port_shift
from stead.machine.remains import leftovers, sweep
from stead.machine.sealed import prove_sealed
from stead.machine.units import install_units, remove_units

__all__ = [
    "Answer",
    "LogLine",
    "ask",
    "console",
    "ensure_collector",
    "failed_units",
    "find",
    "free_port_shift",
    "install_units",
    "kept_port_shift",
    "leftovers",
    "names",
    "outside_address",
    "prove_sealed",
    "read_logs",
    "remove_units",
    "saved_plan",
    "say_failed",
    "start",
    "stop",
    "sweep",
    "talk",
    "wait_booted",
]
