"""A submit that is killed and run again ends as an unbroken one."""

from __future__ import annotations

from pathlib import Path
from random import Random

from infra.postgres import Server
from tests.databases import fresh_database
from tests.integration.cli.killing import kill_and_finish
from tests.integration.cli.program import Program


def test_a_submit_killed_on_the_way_loses_and_doubles_nothing(
    postgres_server: Server, tmp_path: Path
) -> None:
    with fresh_database(postgres_server) as one, fresh_database(postgres_server) as other:
        program = Program(one.url, tmp_path / "one")
        whole = Program(other.url, tmp_path / "other")
        kill_and_finish(program, whole, tmp_path, Random(7), cases=1_000, kills=2)
