"""The recovery kit: one encrypted file and a page to print, made, confirmed, and known when it is stale."""

from stead.kit.content import kit_of
from stead.kit.freshness import fingerprint, judge, note_confirmed, note_written
from stead.kit.opening import places_of
from stead.kit.passphrase import new_passphrase, refuse_weak
from stead.kit.sealed import open_kit, write_kit

__all__ = [
    "fingerprint",
    "judge",
    "kit_of",
    "new_passphrase",
    "note_confirmed",
    "note_written",
    "open_kit",
    "places_of",
    "refuse_weak",
    "write_kit",
]
