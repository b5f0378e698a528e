"""What the owner wants: declared once, read from ``stead.toml``, frozen. Nothing here knows the state of a run."""

from stead.settings.editing import save_domain
from stead.settings.nouns import (
    AcmeSettings,
    AlertSettings,
    DataSettings,
    Goals,
    HostPort,
    KeeperSettings,
    LocalSettings,
    MailSettings,
    PlaceSetting,
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
    "PlaceSetting",
    "RetentionSettings",
    "Settings",
    "load",
    "parse",
    "relay",
    "save_domain",
]
