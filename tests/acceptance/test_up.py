"""The running system, started and stopped as a person does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.guard import is_alive, server_of

CASETRAIL = Path(sys.executable).with_name("casetrail")
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("CASETRAIL_")
}


def casetrail(*words: str | Path, env: Mapping[str, str] = ENVIRONMENT) -> list[str]:
    """Run a command that must succeed; the lines it printed."""
    done = subprocess.run(
        [CASETRAIL, *words], check=False, capture_output=True, text=True, timeout=120, env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def postgres_of(home: Path) -> int | None:
    """The process id of the home's PostgreSQL, if it runs."""
    return server_of(home / "postgres-18" / "data" / "postmaster.pid")


def kafka_of(home: Path) -> int | None:
    """The process id of the home's broker, if it runs."""
    return server_of(home / "kafka-1" / "broker-1" / "pid")


@contextmanager
def running_up(home: Path, *words: str) -> Generator[subprocess.Popen[str]]:
    """`casetrail up`, once it says that it runs."""
    command: list[str | Path] = [CASETRAIL, "up", "--home", home, "--lang", "en", *words]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if line.startswith("Running"):
                    break
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_runs_until_a_signal_and_stops_its_servers(home: Path, stop: signal.Signals) -> None:
    with running_up(home) as process:
        servers = postgres_of(home), kafka_of(home)
        assert all(server is not None and is_alive(server) for server in servers)
        process.send_signal(stop)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert said.splitlines()[-1] == "Stopped."
    assert (postgres_of(home), kafka_of(home)) == (None, None)


def test_an_up_that_is_interrupted_while_it_starts_leaves_nothing_running(home: Path) -> None:
    command: list[str | Path] = [CASETRAIL, "up", "--home", home, "--lang", "en"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if line.startswith("Starting Kafka"):
                    break
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, said.splitlines()[-1]) == (130, "casetrail: Interrupted.")
    assert (postgres_of(home), kafka_of(home)) == (None, None)


def test_an_up_without_its_kafka_says_why_and_fails(home: Path) -> None:
    env = {
        **ENVIRONMENT,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "nothing-cached"),
        "https_proxy": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [CASETRAIL, "up", "--once", "--home", home / "data", "--lang", "en"],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
        env=env,
    )
    assert done.returncode == 1
    assert "could not be downloaded" in done.stderr.splitlines()[-1]
    assert "CASETRAIL_KAFKA_BOOTSTRAP" in done.stderr.splitlines()[-1]
    assert postgres_of(home / "data") is None


def test_a_command_beside_up_shares_its_server_and_leaves_it_running(home: Path) -> None:
    with running_up(home) as process:
        server = postgres_of(home)
        status = json.loads("\n".join(casetrail("db", "status", "--json", "--home", home)))
        assert status["server"].startswith("PostgreSQL 18")
        assert status["migrations_to_apply"] == []
        assert postgres_of(home) == server
        assert process.poll() is None


def test_two_ups_at_once_both_run(home: Path) -> None:
    with running_up(home) as first, running_up(home) as second:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)
        assert first.returncode == 0
        time.sleep(0.5)
        assert second.poll() is None
        second.send_signal(signal.SIGINT)
        second.communicate(timeout=30)
        assert second.returncode == 0


def test_up_once_ends_by_itself_and_a_second_goes_on_from_there(home: Path) -> None:
    for _ in range(2):
        assert casetrail("up", "--once", "--home", home, "--lang", "en")
    assert postgres_of(home) is None


def test_every_command_works_without_up(home: Path) -> None:
    shown = casetrail("db", "status", "--home", home, "--lang", "zh")
    assert "数据库" in shown[0]
    assert postgres_of(home) is None


def test_a_pipe_whose_reader_left_is_no_traceback(home: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", '"$1" db status --home "$2" | true', "sh", CASETRAIL, home],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=ENVIRONMENT,
    )
    assert "Traceback" not in done.stderr
