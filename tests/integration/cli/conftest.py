"""The program for the tests of its commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli.program import Program


@pytest.fixture
def program(database_url: str, tmp_path: Path) -> Program:
    return Program(database_url, tmp_path / "home")
