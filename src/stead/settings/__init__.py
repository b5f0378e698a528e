"""What the owner wants: declared once, read from ``stead.toml``, frozen. Nothing here knows the state of a run."""

from stead.settings.editing import add_place, remove_place, save_domain
from stead.settings.nouns import (
    AcmeSettings,
    AlertSettings,
    DataSettings,
    Goals,
    HostPort,
    KeeperSettings,
    LocalSettings,
    MailSettings,
    Medium,
    PlaceSetting,
    Quiet,
    RetentionSettings,
    Settings,
)
from stead.settings.reading import load, parse
from stead.settings.relay import relay

__all__ = [
    "AcmeSettings",
    "AlertSettings",
    "DataSettings",
    "Goals",
    "HostPort",
    "KeeperSettings",
    "LocalSettings",
    "MailSettings",
    "Medium",
    "PlaceSetting",
    "Quiet",
    "RetentionSettings",
    "Settings",
    "add_place",
    "load",
    "parse",
    "relay",
    "remove_place",
    "save_domain",
]
