"""The embedded server under a storm of kills loses nothing that it confirmed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from infra.guard import is_alive, server_of
from infra.postgres import connect, embedded_server

ROUNDS = 20
WRITE = """
import sys
from contextlib import closing
from pathlib import Path
from infra.guard import is_alive, server_of
from infra.postgres import connect, embedded_server
with embedded_server(Path(sys.argv[1])) as server:
    with closing(connect(server.url("postgres"), autocommit=True)) as conn:
        while True:
            row = conn.execute("insert into notes default values returning id").fetchone()
            print(row[0], flush=True)
"""


def confirmed_before_the_kill(home: Path, chance: random.Random) -> set[int]:
    """Let some writers write, kill them or their server at a random moment; what they were
    told is stored."""
    pipe = subprocess.PIPE
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(home)],
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(chance.randint(1, 3))
    ]
    time.sleep(chance.uniform(0.2, 1.5))
    server = server_of(home / "postgres-18" / "data" / "postmaster.pid")
    if server is not None and chance.random() < 0.5:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)
        time.sleep(chance.uniform(0, 0.2))
    told: set[int] = set()
    for writer in writers:
        writer.kill()
        output, _ = writer.communicate()
        # The last line may have been cut.
        told |= {int(line) for line in output.split("\n")[:-1]}
    return told


def test_kills_at_random_moments_lose_nothing_and_leave_no_server(home: Path) -> None:
    chance = random.Random(18)
    with (
        embedded_server(home) as server,
        closing(connect(server.url("postgres"), autocommit=True)) as conn,
    ):
        conn.execute("create table notes (id bigint generated always as identity primary key)")
    told: set[int] = set()
    for _ in range(ROUNDS):
        told |= confirmed_before_the_kill(home, chance)
        if chance.random() < 0.5:
            with (
                embedded_server(home) as server,
                closing(connect(server.url("postgres"))) as conn,
            ):
                stored = {row[0] for row in conn.execute("select id from notes")}
            assert told <= stored
    with embedded_server(home) as server, closing(connect(server.url("postgres"))) as conn:
        stored = {row[0] for row in conn.execute("select id from notes")}
    assert told <= stored
    assert len(told) > ROUNDS
    assert not is_alive(server.pid)
