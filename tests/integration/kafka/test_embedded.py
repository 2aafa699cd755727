"""The embedded broker is shared, survives every kill, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.guard import is_alive
from infra.kafka import (
    Cluster,
    KafkaError,
    Topic,
    embedded_kafka,
    init_topics,
    open_admin,
)
from infra.kafka import embedded as embedded_module
from infra.kafka.broker import ENDING, Program, answers
from infra.kafka.embedded import find_program
from infra.kafka.java import version_of
from tests.integration.kafka.clients import SECONDS, producer_of, read_all
from tests.support.processes import guards_of, holding, within

HOLD = """
import sys
from pathlib import Path
from infra.kafka import embedded_kafka
with embedded_kafka(Path(sys.argv[1]), cache=Path(sys.argv[2])) as cluster:
    print(cluster.pid(1), flush=True)
    sys.stdin.read()
"""
AS_ANOTHER = """
import sys
sys.path.insert(0, {root!r})
import os
from pathlib import Path
import psutil
from infra.kafka import embedded, embedded_kafka
from infra.kafka.broker import Program, answers
import infra.guard
home = Path({home!r})
"".encode("idna")  # of a library that the user may not read
embedded.find_program = lambda *_: Program(home / "java" / "bin" / "java", home / "jars")
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with embedded_kafka(home / "work") as cluster:
    process = psutil.Process(cluster.pid(1))
    print(process.uids().real, answers(cluster.brokers[1].ports.client))
"""
TOPIC = Topic("notes", "in", 1, 1, False, "key", "")
MEGABYTE = 2**20
ROOT = Path(__file__).resolve().parents[3]


def pid_of(cluster: Cluster) -> int:
    pid = cluster.pid(1)
    assert pid is not None
    return pid


def note(cluster: Cluster, *words: str) -> None:
    """Write them and wait until they are acknowledged."""
    with open_admin(cluster.address) as admin:
        [outcome] = init_topics(admin, "test", [TOPIC])
    with producer_of(cluster.address) as producer:
        sent: list[Any] = [producer.send(outcome.name, word.encode()) for word in words]
        for future in sent:
            future.get(SECONDS)


def notes(cluster: Cluster) -> list[str]:
    """All that was written."""
    records = read_all(cluster.address, TOPIC.full_name("test"))
    return [record.value.decode() for record in records]


def test_it_keeps_its_records_and_its_port_in_any_folder_and_listens_on_the_loopback_only(
    home: Path, kafka_cache: Path
) -> None:
    odd = home / "数据 it's, a:b #1"
    with embedded_kafka(odd, cache=kafka_cache) as cluster:
        note(cluster, "kept")
        address, pid = cluster.address, pid_of(cluster)
        process = psutil.Process(pid)
        listening = {
            found.laddr.ip.removeprefix("::ffff:")
            for found in process.net_connections("inet")
            if found.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        assert process.memory_info().rss < 450 * MEGABYTE
        assert "JAVA_TOOL_OPTIONS" not in process.environ()
    assert not is_alive(pid)
    with embedded_kafka(odd, cache=kafka_cache) as cluster:
        assert cluster.address == address
        assert notes(cluster) == ["kept"]
    logs = (odd / "kafka-1" / "broker-1" / "logs").glob("server*.log")
    assert any("Kafka Server started" in log.read_text() for log in logs)
    assert within(20, lambda: not guards_of(home))


def test_commands_that_start_at_once_share_one_broker_and_the_last_stops_it(
    home: Path, kafka_cache: Path
) -> None:
    with (
        holding(HOLD, home, kafka_cache) as (first, pid),
        holding(HOLD, home, kafka_cache) as (second, same),
    ):
        assert same == pid
        first.communicate("", timeout=60)
        assert is_alive(pid)
        with embedded_kafka(home, cache=kafka_cache) as cluster:
            assert cluster.pid(1) == pid
        assert is_alive(pid)
        second.communicate("", timeout=60)
        assert (first.returncode, second.returncode) == (0, 0)
        assert not is_alive(pid)


def test_the_broker_of_a_killed_command_is_stopped(home: Path, kafka_cache: Path) -> None:
    with holding(HOLD, home, kafka_cache) as (process, pid):
        with embedded_kafka(home, cache=kafka_cache) as cluster:
            note(cluster, "acknowledged")
        process.kill()
        process.wait()
        assert within(ENDING.seconds + 20, lambda: not is_alive(pid))
    assert within(20, lambda: not guards_of(home))


def test_a_command_killed_while_it_starts_leaves_no_second_broker(
    home: Path, kafka_cache: Path
) -> None:
    command = [sys.executable, "-c", HOLD, str(home), str(kafka_cache)]
    pid_file = home / "kafka-1" / "broker-1" / "pid"
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert within(60, pid_file.exists)
        process.kill()
    launched = int(pid_file.read_text())
    with embedded_kafka(home, cache=kafka_cache) as cluster:
        # Taken over, or stopped by the guard before we came.
        assert cluster.pid(1) == launched or not is_alive(launched)
        note(cluster, "whole")
    assert not is_alive(launched)


def test_a_killed_broker_recovers_what_it_had_acknowledged_whoever_has_its_pid_now(
    home: Path, kafka_cache: Path
) -> None:
    words = [str(number) for number in range(50)]
    with embedded_kafka(home, cache=kafka_cache) as cluster:
        note(cluster, *words)
        os.kill(pid_of(cluster), signal.SIGKILL)
        assert within(20, lambda: cluster.pid(1) is None)
        cluster.start(1)
        assert notes(cluster) == words
        cluster.kill(1)
    with subprocess.Popen(["sleep", "60"]) as foreign:
        try:
            cluster.brokers[1].pid_file.write_text(f"{foreign.pid}\n")
            with embedded_kafka(home, cache=kafka_cache) as cluster:
                assert cluster.pid(1) != foreign.pid
                assert notes(cluster) == words
            assert foreign.poll() is None
        finally:
            foreign.kill()


def test_a_port_that_somebody_took_is_exchanged_and_a_half_made_folder_made_anew(
    home: Path, kafka_cache: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        folder = home / "kafka-1"
        half = folder / "broker-1" / "data.new"
        half.mkdir(parents=True)
        (half / "meta.properties").write_text("half")
        (folder / "cluster.json").write_text(
            f'{{"cluster_id": "4L6g3nShT-eMCtK--X86sw", "ports": {{"1": [{port}, {port}]}}}}'
        )
        with embedded_kafka(home, cache=kafka_cache) as cluster:
            ports = cluster.brokers[1].ports
            assert port not in (ports.client, ports.controller)
            note(cluster, "here")
        assert not half.exists()


def test_a_broker_that_cannot_start_says_why_and_leaves_nothing(
    home: Path, kafka_cache: Path
) -> None:
    with (
        pytest.raises(KafkaError, match=r"Broker 1 did not start: .*no\.such\.Reporter"),
        embedded_kafka(home, cache=kafka_cache, more={"metric.reporters": "no.such.Reporter"}),
    ):
        pass
    assert within(20, lambda: not guards_of(home))


def on_path() -> Path | None:
    found = shutil.which("java")
    return Path(found) if found and (version_of(Path(found)) or 0) >= 17 else None


JAVA = on_path()
if JAVA is not None:
    JAVA_ON_PATH = JAVA

    def test_it_runs_on_the_java_of_the_path_too(
        home: Path, kafka_cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        jars = find_program(kafka_cache).jars

        def other_program(*_: object) -> Program:
            return Program(JAVA_ON_PATH, jars)

        monkeypatch.setattr(embedded_module, "find_program", other_program)
        with embedded_kafka(home, cache=kafka_cache) as cluster:
            note(cluster, "by another Java")
            assert notes(cluster) == ["by another Java"]
            assert Path(psutil.Process(pid_of(cluster)).exe()) == JAVA_ON_PATH.resolve()


if os.geteuid() == 0:

    def test_it_runs_for_an_ordinary_user(kafka_cache: Path) -> None:
        """As root, the other tests run it as root."""
        with tempfile.TemporaryDirectory(prefix="ct-", dir="/var/tmp") as folder:
            home = Path(folder)
            program = find_program(kafka_cache)
            shutil.copytree(program.java.parents[1], home / "java", symlinks=True)
            shutil.copytree(program.jars, home / "jars")
            home.chmod(0o755)
            work = home / "work"
            work.mkdir()
            os.chown(work, 65534, 65534)
            code = AS_ANOTHER.format(root=str(ROOT), home=str(home))
            done = subprocess.run(
                [sys.executable, "-c", code],
                check=False,
                capture_output=True,
                text=True,
                timeout=200,
            )
            assert done.stdout.split() == ["65534", "True"], done.stderr


def test_what_does_not_speak_kafka_does_not_answer() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert not answers(silent.getsockname()[1], seconds=0.2)
