"""A submit killed at a random moment and run again ends as an unbroken one: twenty times."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from random import Random

import pytest

from infra.postgres import Server
from tests.databases import fresh_database
from tests.integration.cli.killing import Unbroken, kill_and_finish, run_unbroken
from tests.integration.cli.program import Program


@pytest.fixture(scope="module")
def whole(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Unbroken]:
    folder = tmp_path_factory.mktemp("whole")
    with fresh_database(postgres_server) as database:
        yield run_unbroken(Program(database.url, folder / "home"), folder, cases=1_000)


@pytest.mark.parametrize("seed", range(20))
def test_a_submit_killed_on_the_way_loses_and_doubles_nothing(
    postgres_server: Server, tmp_path: Path, whole: Unbroken, seed: int
) -> None:
    with fresh_database(postgres_server) as database:
        program = Program(database.url, tmp_path / "home")
        kill_and_finish(program, tmp_path, whole, Random(seed), kills=1)
