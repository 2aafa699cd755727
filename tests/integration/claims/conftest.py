"""A store for each test, on a database of its own."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.support.store import Store, open_store


@pytest.fixture
def store(database_url: str) -> Generator[Store]:
    with open_store(database_url) as opened:
        yield opened
