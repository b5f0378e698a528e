"""One thing back: a mail, a file, an entry, a user, out of any picture or snapshot; nothing newer is overwritten."""

from stead.restore.desk import Desk, desk, keep_learning, moment, require_owner
from stead.restore.learning import Learnt, learn
from stead.restore.mail import give_back as mails_back
from stead.restore.mail import line as mail_line
from stead.restore.mail import plan as mail_plan
from stead.restore.paths import Kind
from stead.restore.search import Candidate, Wanted
from stead.restore.sources import Back, say

__all__ = [
    "Back",
    "Candidate",
    "Desk",
    "Kind",
    "Learnt",
    "Wanted",
    "desk",
    "keep_learning",
    "learn",
    "mail_line",
    "mail_plan",
    "mails_back",
    "moment",
    "require_owner",
    "say",
]
