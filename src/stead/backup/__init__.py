"""Backup: pictures into places, and back out of them. Whether it worked is always judged, never believed."""

from stead.backup.adopting import adopt, adopt_found
from stead.backup.cold import MountedPlace, mount_cold, require_fuse, require_snapshot
from stead.backup.compare import Compared, compare_with_manifest
from stead.backup.cycle import BackupOutcome, run_backup
from stead.backup.damage import damage, losses, missing_packs, missing_snapshots
from stead.backup.disks import same_disk
from stead.backup.explain import explained, outside_data, undeclared
from stead.backup.fetching import fetch, fetch_folders
from stead.backup.held import answers, data_in, hold, let_go, reads, release_in
from stead.backup.holds import accept, holds, watch_changes
from stead.backup.known import Known, KnownSnapshot, load_known
from stead.backup.locks import busy
from stead.backup.making import carry_manifest
from stead.backup.manifest import Summary, manifest_digest, manifest_maker, read_manifest, summarise
from stead.backup.opening import ensure_place, open_place, place_from, place_of
from stead.backup.pieces import Piece, Row, read_index, read_piece
from stead.backup.place import Kind, Limits, Place, credentials, kind_of, url_without_secrets
from stead.backup.pruning import Order, Pruned, prune
from stead.backup.quiet import quiet_seconds, resting
from stead.backup.reading_back import ReadBack, read_back
from stead.backup.releases import ensure_release_in_place
from stead.backup.restic import (
    DATA_PATH,
    RELEASE_PATH,
    Checked,
    Restic,
    Snapshot,
    check,
    list_ids,
    ls,
    repository_id,
    snapshots,
)
from stead.backup.restoring import Restored, restore_cold
from stead.backup.retention import command_elsewhere
from stead.backup.slices import Reading, interval, load_reading
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
from stead.backup.walking import FOLDER
from stead.backup.watching import Watched, watch
from stead.backup.work import give_up

__all__ = [
    "DATA_PATH",
    "FOLDER",
    "RELEASE_PATH",
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
    "Order",
    "OverLimit",
    "Piece",
    "Place",
    "PlaceBusy",
    "PlaceClock",
    "PlaceDamaged",
    "PlaceFull",
    "PlaceReadOnly",
    "PlaceRefuses",
    "PlaceUnreachable",
    "Pruned",
    "ReadBack",
    "Reading",
    "Restic",
    "Restored",
    "Row",
    "Snapshot",
    "Summary",
    "Watched",
    "WrongPassword",
    "accept",
    "adopt",
    "adopt_found",
    "answers",
    "busy",
    "carry_manifest",
    "check",
    "command_elsewhere",
    "compare_with_manifest",
    "count",
    "credentials",
    "damage",
    "data_in",
    "ensure_place",
    "ensure_release_in_place",
    "explained",
    "fetch",
    "fetch_folders",
    "first",
    "give_up",
    "hold",
    "holds",
    "interval",
    "kind_of",
    "left_this_month",
    "let_go",
    "list_ids",
    "load_known",
    "load_reading",
    "losses",
    "ls",
    "manifest_digest",
    "manifest_maker",
    "missing_packs",
    "missing_snapshots",
    "mount_cold",
    "open_place",
    "outside_data",
    "place_from",
    "place_of",
    "prune",
    "quiet_seconds",
    "read_back",
    "read_budget",
    "read_index",
    "read_manifest",
    "read_piece",
    "reads",
    "release_in",
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
