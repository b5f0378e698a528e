"""What happened and what was proven, kept in one SQLite file: proofs, acts, probes, snapshots, findings, durations."""

from stead.records.acts import Acting
from stead.records.alerts import Sent
from stead.records.nouns import Act, Change, CheckedProbe, Measured, Noted, Proof, Snapshot, Step
from stead.records.records import Records
from stead.records.store import BROKEN

__all__ = [
    "BROKEN",
    "Act",
    "Acting",
    "Change",
    "CheckedProbe",
    "Measured",
    "Noted",
    "Proof",
    "Records",
    "Sent",
    "Snapshot",
    "Step",
]
