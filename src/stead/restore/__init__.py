"""One thing back: a mail, a file, an entry, a user, out of any picture or snapshot; nothing newer is overwritten."""

from stead.restore import entries, files, mail, missing, users, whole
from stead.restore.desk import Desk, desk, keep_learning, moment, require_owner
from stead.restore.learning import Learnt, learn
from stead.restore.missing import Missing
from stead.restore.paths import Kind
from stead.restore.search import Candidate, Wanted
from stead.restore.sources import Back, say
from stead.restore.users import OldAccount

__all__ = [
    "Back",
    "Candidate",
    "Desk",
    "Kind",
    "Learnt",
    "Missing",
    "OldAccount",
    "Wanted",
    "desk",
    "entries",
    "files",
    "keep_learning",
    "learn",
    "mail",
    "missing",
    "moment",
    "require_owner",
    "say",
    "users",
    "whole",
]
