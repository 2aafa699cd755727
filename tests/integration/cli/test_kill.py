"""A submit that is killed and run again ends as an unbroken one."""

from __future__ import annotations

from pathlib import Path
from random import Random

from infra.postgres import Server
from tests.databases import fresh_database
from tests.integration.cli.killing import kill_and_finish, run_unbroken
from tests.integration.cli.program import Program


def test_a_submit_killed_on_the_way_loses_and_doubles_nothing(
    postgres_server: Server, tmp_path: Path
) -> None:
    with fresh_database(postgres_server) as one, fresh_database(postgres_server) as other:
        whole = run_unbroken(Program(other.url, tmp_path / "other"), tmp_path, cases=500)
        program = Program(one.url, tmp_path / "one")
        kill_and_finish(program, tmp_path, whole, Random(7), kills=3)
