"""What tests with real servers of places share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def restic() -> Path:
    program = Path(os.environ.get("STEAD_RESTIC", "no restic"))
    if not program.exists():
        pytest.skip("no restic 0.18: name one in STEAD_RESTIC")
    if os.geteuid():
        pytest.skip("needs root")
    return program
