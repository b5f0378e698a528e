"""The programs that people really use, each pointed at the live server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.programs import Programs
from tests.rig.server import Server


@pytest.fixture
def programs(live: Server, tmp_path: Path) -> Programs:
    return Programs(live, tmp_path)
