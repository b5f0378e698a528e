"""How restic's ssh gets its key: from the place's credentials, which travel in the kit, by a file that is only memory.

``STEAD_SSH_KEY`` is a private key and ``STEAD_SSH_HOSTS`` the server's line of ``known_hosts``, both in base64. Without
them ssh's own configuration of root counts.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from functools import cache

from stead.words.errors import UsageError

KEY, HOSTS = "STEAD_SSH_KEY", "STEAD_SSH_HOSTS"
#: A connection that hangs ends after a minute; nobody is there to answer a question. The guard adds where ssh
#: complains: right where restic does, which passes its words on in its own time and not at all if it ends first. What
#: restic still passes on is then the server's greeting, and no complaint.
OPTIONS = "-oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=15 -oServerAliveCountMax=4"


def ssh_options(credentials: Mapping[str, str]) -> str:
    """The options for ssh; valid while this process lives."""
    words = [OPTIONS]
    if KEY in credentials:
        words.append(f"-oIdentitiesOnly=yes -oIdentityFile={_memory(credentials[KEY])}")
    if HOSTS in credentials:
        words.append(f"-oStrictHostKeyChecking=yes -oUserKnownHostsFile={_memory(credentials[HOSTS])}")
    return " ".join(words)


@cache
def _memory(content: str) -> str:
    """A path at which our children find ``content`` (base64) while we live; nothing of it is on a disk."""
    try:
        raw = base64.b64decode(content, validate=True)
    except binascii.Error:
        raise UsageError(f"{KEY} and {HOSTS} must be base64", hint="base64 -w0 FILE makes it") from None
    handle = os.memfd_create("stead-ssh", os.MFD_CLOEXEC)
    os.fchmod(handle, 0o600)
    os.write(handle, raw)
    return f"/proc/{os.getpid()}/fd/{handle}"
