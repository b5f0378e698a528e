"""The account here that things come into or go out of."""

from __future__ import annotations

from stead.data import require_own
from stead.services.identity import Accounts
from stead.settings import Settings
from stead.words.errors import SteadError, UsageError
from stead.words.home import Home


def account_or_error(home: Home, settings: Settings, user: str) -> None:
    """Return if ``user`` has an account and data is this computer's own; else say what to do."""
    if not (home.data / "identity").is_dir():
        raise SteadError("the server's data is not there", hint="start the server: stead up")
    require_own(home)
    if user not in {account.name for account in Accounts(home.data, settings.name).list()}:
        raise UsageError(f"there is no account {user}", hint=f"stead user add {user}")
