"""A world for each test: a database of its own with an empty log."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.integration.engine.given import World, open_world


@pytest.fixture
def world(database_url: str) -> Generator[World]:
    with open_world(database_url) as opened:
        yield opened
