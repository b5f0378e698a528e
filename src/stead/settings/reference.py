"""The reference page of all settings, made from their declarations: ``python -m stead.settings.reference``."""

from __future__ import annotations

import sys
from itertools import groupby

from stead.settings.declared import PLACE, PLACE_REQUIRED, SETTINGS, Setting

_INTRO = """# Settings

<!-- Made from the declarations: python -m stead.settings.reference > docs/operate/settings.md -->

Stead needs no settings: without a file it runs in local mode, on this computer only. To change something, write
`/etc/stead/stead.toml` (`DIR/etc/stead.toml` with `--home DIR`) and run `stead up`, which brings the server to what the
file says. A mistake in the file is told with its line and what is allowed, and nothing is changed.

Durations are a number and a unit: `s`, `m`, `h`, `d` or `w`.
"""
_PLACE = """
## Places

One `[[place]]` section for each place that holds copies. With none, copies go to a folder on the same disk, which does
not survive the loss of this computer, and `stead status` says so. A place is a restic repository: a folder such as
`/mnt/disk/stead`, or `sftp:user@host:/folder`, `rest:https://...`, `s3:...`, `b2:...`, `azure:...`, `gs:...`,
`swift:...`, `rclone:...`.
"""


def page() -> str:
    """The whole page."""
    parts = [_INTRO]
    for section, settings in groupby(SETTINGS, key=lambda setting: setting.section):
        parts.append(f"\n## {f'[{section}]' if section else 'At the top'}\n")
        parts.extend(_entry(setting, f"default {_default(setting)}") for setting in settings)
    parts.append(_PLACE)
    parts.extend(_entry(s, "needed" if s.name in PLACE_REQUIRED else "default none") for s in PLACE)
    return "".join(parts)


def _entry(setting: Setting, default: str) -> str:
    return (
        f"\n### `{setting.key}`\n\n{setting.words}\n\n- kind: {setting.type}; {default}\n"
        f"- example: `{setting.name} = {setting.example}`\n"
    )


def _default(setting: Setting) -> str:
    if setting.default is None or setting.default == []:
        return "none"
    return f'`"{setting.default}"`' if isinstance(setting.default, str) else f"`{setting.default}`"


if __name__ == "__main__":
    sys.stdout.write(page())
