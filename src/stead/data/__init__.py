"""Data: one btrfs subvolume of everything that changes, and pictures of it."""

from stead.data.health import check, scrub
from stead.data.inside import HOST_FOLDER
from stead.data.mounts import mount_overlay
from stead.data.pictures import (
    Thinned,
    delete_picture,
    list_pictures,
    picture_with,
    take_picture,
    thin_pictures,
    to_delete,
    used,
)
from stead.data.room import Grown, first_size, free_share, grow_if_needed, to_spare
from stead.data.scratch import drop_scratch, scratch
from stead.data.standin import drop_layer, end_stand_in, require_own, stand_in, stands_in, written
from stead.data.volume import Volume, ensure_volume, sync_folder, unmount
from stead.words.picture import Picture

__all__ = [
    "HOST_FOLDER",
    "Grown",
    "Picture",
    "Thinned",
    "Volume",
    "check",
    "delete_picture",
    "drop_layer",
    "drop_scratch",
    "end_stand_in",
    "ensure_volume",
    "first_size",
    "free_share",
    "grow_if_needed",
    "list_pictures",
    "mount_overlay",
    "picture_with",
    "require_own",
    "scratch",
    "scrub",
    "stand_in",
    "stands_in",
    "sync_folder",
    "take_picture",
    "thin_pictures",
    "to_delete",
    "to_spare",
    "unmount",
    "used",
    "written",
]
