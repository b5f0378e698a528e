"""A filter of system calls that a process and everything it starts keep for good: which kinds of socket they may open.

Some kinds know no network namespace (vsock reaches the hypervisor, or the host's other machines), so a firewall around
the machine does not see them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NR, _ARCH, _ARG0 = 0, 4, 16
_X32_BIT = 0x40000000
_IO_URING_SETUP = 425
#: Machine name: audit architecture, number of socket(2).
_KNOWN = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def allow_families(*families: int) -> None:
    """Refuse socket(2) for every other family, from now on; also io_uring, which opens sockets past any filter.

    On architectures not known here nothing is filtered.
    """
    known = _KNOWN.get(os.uname().machine)
    if known is None:
        return
    code = program(*known, families)
    buffer = ctypes.create_string_buffer(code, len(code))
    wanted = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(wanted), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter of socket kinds was refused")


def program(architecture: int, socket_number: int, families: tuple[int, ...]) -> bytes:
    """The filter as classic BPF. Jumps count the instructions passed over."""
    count = len(families)
    checks = [(_EQUAL, count - index, 0, family) for index, family in enumerate(families)]
    steps = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_LOAD, 0, 0, _NR),
        (_ANY_BIT, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_EQUAL, 0, 1, _IO_URING_SETUP),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_EQUAL, 0, count + 2, socket_number),
        (_LOAD, 0, 0, _ARG0),
        *checks,
        (_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
