"""Read another provider's account: the right way for its kind. Runs only in the reader."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from stead.exchange import dav_reading, imap_reading
from stead.exchange.letters import Broken

if TYPE_CHECKING:
    from stead.exchange.sending import Sender

_KINDS = {
    "imap": imap_reading.read,
    "caldav": dav_reading.read_calendars,
    "carddav": dav_reading.read_contacts,
    "webdav": dav_reading.read_files,
}


def read(account: dict[str, Any], trust: ssl.SSLContext, sender: Sender) -> None:
    """Send everything in the account; :class:`Broken` when it cannot be reached or does not let us in."""
    try:
        _KINDS[account["kind"]](account, trust, sender)
    except ssl.SSLError as wrong:
        raise Broken(f"{account['host']} is not who it should be, or speaks no TLS: {wrong.reason}") from None
    except OSError as wrong:
        raise Broken(f"{account['host']} cannot be reached: {wrong.strerror or wrong}") from None
