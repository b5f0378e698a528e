"""A user back: the account with the password it had, and everything of it that is missing."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass

from stead.backup import fetch
from stead.restore.desk import Desk
from stead.restore.foreign import Tree
from stead.restore.sources import Back, Source, say
from stead.services.identity import Account, Accounts
from stead.settings import Settings
from stead.words.errors import SteadError

_BOOK = "identity/accounts.json"
_LIMIT = 4 << 20


@dataclass(frozen=True)
class OldAccount:
    """An account as a copy has it."""

    account: Account
    source: Source


def account_of(desk: Desk, settings: Settings, name: str) -> OldAccount | None:
    """The account as the newest of the chosen copies has it, open; None when it is open now.

    SteadError when no copy that can be asked has it.
    """
    if name in {account.name for account in Accounts(desk.home.data, settings.name).list()}:
        return None
    for source in sorted(desk.chosen, key=lambda one: (one.place is not None, -one.moment)):
        try:
            book = json.loads(_read(desk, source))
        except (SteadError, ValueError) as trouble:
            desk.troubles.add(str(trouble))
            continue
        for one in book["accounts"]:
            account = Account(**one)
            if account.name == name and not account.removed:
                return OldAccount(account, source)
    raise SteadError(f"no copy has an account {name}; {desk.reach()}", hint="stead user add NAME makes a new one")


def plan(old: OldAccount) -> str:
    """What would be done, in one sentence."""
    return f"the account {old.account.name} is opened again, with the password it had {say(old.source.at)}"


def give_back(desk: Desk, settings: Settings, old: OldAccount) -> Back:
    """Open the account again with the password it had."""
    Accounts(desk.home.data, settings.name).reopen(old.account)
    return Back(f"the account {old.account.name}", "use, with the password it had", old.source)


def _read(desk: Desk, source: Source) -> bytes:
    if source.picture is not None:
        return Tree(source.picture.path).read(_BOOK, _LIMIT) or b""
    assert source.place is not None
    with tempfile.TemporaryFile() as out:
        fetch(desk.home, source.place, desk.program, source.snapshot, _BOOK, out=out)
        out.seek(0)
        return out.read(_LIMIT)
