"""Backup: pictures into places, and back out of them. Whether it worked is always judged, never believed."""

from stead.backup.adopting import adopt
from stead.backup.cold import MountedPlace, mount_cold, mounted, require_fuse, require_snapshot
from stead.backup.compare import Compared, compare_with_manifest
from stead.backup.cycle import BackupOutcome, run_backup
from stead.backup.damage import damage, losses, missing_packs, missing_snapshots
from stead.backup.disks import same_disk
from stead.backup.explain import explained, outside_data, undeclared
from stead.backup.holds import accept, holds, watch_changes
from stead.backup.known import Known, KnownSnapshot, load_known
from stead.backup.making import carry_manifest
from stead.backup.manifest import Summary, manifest_digest, manifest_maker, read_manifest, summarise
from stead.backup.opening import ensure_place, open_place, place_from, place_of
from stead.backup.place import Kind, Limits, Place, credentials, kind_of, url_without_secrets
from stead.backup.quiet import quiet_seconds, resting
from stead.backup.releases import ensure_release_in_place
from stead.backup.restic import Checked, Restic, Snapshot, check, ls, repository_id, snapshots
from stead.backup.restoring import Restored, restore_cold
from stead.backup.traffic import count, left_this_month, read_budget, this_month
from stead.backup.troubles import (
    NoDisk,
    NoFuse,
    NoSuchSnapshot,
    OverLimit,
    PlaceBusy,
    PlaceClock,
    PlaceDamaged,
    PlaceFull,
    PlaceReadOnly,
    PlaceRefuses,
    PlaceUnreachable,
    WrongPassword,
    first,
)
from stead.backup.watching import Watched, watch
from stead.backup.work import give_up

__all__ = [
    "BackupOutcome",
    "Checked",
    "Compared",
    "Kind",
    "Known",
    "KnownSnapshot",
    "Limits",
    "MountedPlace",
    "NoDisk",
    "NoFuse",
    "NoSuchSnapshot",
    "OverLimit",
    "Place",
    "PlaceBusy",
    "PlaceClock",
    "PlaceDamaged",
    "PlaceFull",
    "PlaceReadOnly",
    "PlaceRefuses",
    "PlaceUnreachable",
    "Restic",
    "Restored",
    "Snapshot",
    "Summary",
    "Watched",
    "WrongPassword",
    "accept",
    "adopt",
    "carry_manifest",
    "check",
    "compare_with_manifest",
    "count",
    "credentials",
    "damage",
    "ensure_place",
    "ensure_release_in_place",
    "explained",
    "first",
    "give_up",
    "holds",
    "kind_of",
    "left_this_month",
    "load_known",
    "losses",
    "ls",
    "manifest_digest",
    "manifest_maker",
    "missing_packs",
    "missing_snapshots",
    "mount_cold",
    "mounted",
    "open_place",
    "outside_data",
    "place_from",
    "place_of",
    "quiet_seconds",
    "read_budget",
    "read_manifest",
    "repository_id",
    "require_fuse",
    "require_snapshot",
    "resting",
    "restore_cold",
    "run_backup",
    "same_disk",
    "snapshots",
    "summarise",
    "this_month",
    "undeclared",
    "url_without_secrets",
    "watch",
    "watch_changes",
]
