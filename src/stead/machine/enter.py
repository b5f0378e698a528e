"""Run one program inside a machine: ``python -m stead.machine.enter PID UID PROGRAM...``.

The program is the machine's own and is trusted as little: same namespaces, no capability the machine lacks, the same
filter of sockets.
"""

from __future__ import annotations

import os
import sys

from stead.machine.launch import DROPPED, filter_sockets
from stead.run import kernel

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def main() -> None:
    """Enter, run, and end with the program's exit code."""
    leader, uid, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    kernel.join_all(leader)
    child = os.fork()  # only a child is in the machine's pid namespace
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        kernel.give_up(tuple(DROPPED))
        filter_sockets()
        os.setresuid(uid, uid, uid)
        os.execvpe(program[0], program, _ENVIRONMENT)
    except OSError as problem:
        os.write(2, f"{program[0]}: {problem}\n".encode())
        os._exit(127)


if __name__ == "__main__":
    main()
