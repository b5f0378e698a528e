"""The owner's relay as a noun for the mail service, its password read from its file."""

from __future__ import annotations

from stead.settings.nouns import Settings
from stead.words.declaration import Relay
from stead.words.errors import UsageError


def relay(settings: Settings) -> Relay | None:
    """The relay outgoing mail takes, if the owner set one."""
    mail = settings.mail
    if mail.relay is None:
        return None
    password = None
    if (file := mail.relay_password_file) is not None:
        try:
            password = file.read_text().strip()
        except (OSError, UnicodeDecodeError) as wrong:
            raise UsageError(
                f"the relay's password cannot be read from {file}: {wrong}",
                hint="write it there, or correct mail.relay_password_file",
            ) from None
        if not password:
            raise UsageError(f"the relay's password file {file} is empty", hint="write the password into it")
    return Relay(mail.relay.host, mail.relay.port, mail.relay_user, password)
