"""One broker: its folder, its configuration and its process.

The folder holds server.properties, data/, logs/, tmp/ and the file `pid`. The process works in
it, so that all its paths are relative: Java and Kafka split some at commas, colons or blanks.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from threading import Event
from typing import BinaryIO

from infra.guard import Ending, server_of, stop
from infra.kafka.failure import KafkaError

LOOPBACK = "127.0.0.1"
START_SECONDS = 120.0  # a machine under load, a log to recover
ENDING = Ending(signal.SIGTERM, seconds=20, kill=True)
"""A broker that takes longer is killed: what it acknowledged is with the operating system."""
LAST_SECONDS = 3.0
"""For the last broker of several: without a majority nobody takes over what it leads, and it
would wait for that five minutes."""
LOGGED = re.compile(r"\d{4}-\d\d-\d\dT")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
"""Nothing of ours: JAVA_TOOL_OPTIONS and the like would change what runs."""

JAVA_OPTIONS = (
    "-Xms64m",
    "-Xmx384m",
    "-XX:MaxDirectMemorySize=64m",
    "-Djdk.nio.maxCachedBufferSize=262144",
    "-XX:ReservedCodeCacheSize=48m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-XX:ErrorFile=logs/crash.log",
    "-Djava.io.tmpdir=tmp",
    "-Djava.awt.headless=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
)
COMMON = {
    "process.roles": "broker,controller",
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENT",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "unclean.leader.election.enable": "false",
    "socket.request.max.bytes": str(16 * 2**20),
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.segment.bytes": str(64 * 2**20),
    "log.index.size.max.bytes": str(2**20),
    "log.cleaner.dedupe.buffer.size": str(8 * 2**20),
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "broker.session.timeout.ms": "6000",
    "broker.heartbeat.interval.ms": "1000",
}


@dataclass(frozen=True)
class Ports:
    """Where a broker listens on the loopback: for clients and brokers, for controllers."""

    client: int
    controller: int


@dataclass(frozen=True)
class Program:
    """What runs a broker. jars: a folder of them."""

    java: Path
    jars: Path


@dataclass(frozen=True)
class Broker:
    """One broker of a cluster, running or not. number: its node id, from 1."""

    number: int
    folder: Path
    ports: Ports

    @property
    def pid_file(self) -> Path:
        return pid_file(self.folder)

    @property
    def pid(self) -> int | None:
        """The process that serves this broker's data, or None."""
        return server_of(self.pid_file)

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "server.log"

    def format(self, program: Program, cluster_id: str, gate: BinaryIO) -> None:
        """Make the data folder, if it is not made yet. Raises KafkaError."""
        if (self.folder / "data").exists():
            return
        fresh = self.folder / "data.new"  # renamed when complete: a crash leaves no half
        if fresh.exists():
            shutil.rmtree(fresh)
        config = self.folder / "server.properties"
        making = config.with_name("format.properties")
        making.write_text(config.read_text().replace("log.dirs=data\n", "log.dirs=data.new\n"))
        tool = ("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", making.name)
        done = subprocess.run(
            _holding(gate, _java(program, *tool)),
            check=False,
            stdin=gate,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=ENVIRONMENT,
            timeout=START_SECONDS,
            start_new_session=True,
        )
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace").split("\n\tat ")[0]
            raise KafkaError(
                "Kafka's data folder could not be made: {reason}", reason=" ".join(said.split())
            )
        making.unlink()
        fresh.rename(self.folder / "data")

    def configure(
        self, program: Program, voters: Mapping[int, Ports], more: Mapping[str, str]
    ) -> None:
        """Write the configuration. voters: all brokers of the cluster; more: settings that win
        over ours; `listeners` is added to ours."""
        for name in ("", "logs", "tmp"):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in (self.folder / "tmp").iterdir():  # native libraries of a killed process
            left.unlink()
        config = self.folder / "log4j2.properties"
        shutil.copyfile(Path(__file__).with_name(config.name), config)
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "jars").unlink()
        (self.folder / "jars").symlink_to(program.jars)
        properties = self._properties(voters, more)
        lines = (f"{name}={escaped(value)}\n" for name, value in properties.items())
        (self.folder / "server.properties").write_text("".join(lines))

    def _properties(self, voters: Mapping[int, Ports], more: Mapping[str, str]) -> dict[str, str]:
        copies = str(min(3, len(voters)))
        needed = "2" if len(voters) >= 3 else "1"
        client = f"CLIENT://{LOOPBACK}:{self.ports.client}"
        listeners = [client, f"CONTROLLER://{LOOPBACK}:{self.ports.controller}"]
        return {
            **COMMON,
            "node.id": str(self.number),
            "log.dirs": "data",
            "controller.quorum.voters": ",".join(
                f"{number}@{LOOPBACK}:{ports.controller}" for number, ports in voters.items()
            ),
            "default.replication.factor": copies,
            "min.insync.replicas": needed,
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": needed,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": needed,
            **more,
            "listeners": ",".join([*listeners, *filter(None, [more.get("listeners")])]),
        }

    def launch(self, program: Program, gate: BinaryIO) -> None:
        """Start the process; see await_ready. As a grandchild, so that nobody has to wait for
        its end. It writes its own id before it becomes Java, while it still holds the gate: if
        we are killed now, whoever comes next finds it."""
        self.pid_file.unlink(missing_ok=True)
        mark = f"-Dcasetrail.broker={self.folder}"  # so that `ps` tells brokers apart
        java = _java(program, mark, "kafka.Kafka", "server.properties")
        become = 'echo $$ > pid.new && mv pid.new pid && exec "$@" </dev/null'
        # In the background a shell's input is /dev/null, unless it comes by another number.
        behind = 'exec 3<&0; "$@" <&3 3<&- &'
        with (self.folder / "logs" / "console.log").open("wb") as console:
            subprocess.run(
                ("/bin/sh", "-c", behind, "sh", "/bin/sh", "-c", become, "sh", *java),
                check=True,
                stdin=gate,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=ENVIRONMENT,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while not self.pid_file.exists() and time.monotonic() < until:
            time.sleep(0.005)

    def stop(self, seconds: float = ENDING.seconds) -> None:
        """Let it hand over and end; killed if it takes longer. Raises KafkaError if it stays."""
        if not stop(self.pid_file, replace(ENDING, seconds=seconds)):
            raise KafkaError("Broker {number} did not stop.", number=self.number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        stop(self.pid_file, Ending(signal.SIGKILL, seconds=ENDING.seconds))

    def last_words(self) -> str:
        """Why it ended, as far as its logs tell, in one line."""
        logs = self.folder / "logs"
        said = [line for line in _lines(logs / "console.log") if not line.startswith("WARNING")]
        return " / ".join(said[:1] or _first_error(_lines(self.log)) or [str(self.log)])


def pid_file(folder: Path) -> Path:
    """Where a broker's process id stands."""
    return folder / "pid"


def await_ready(brokers: Sequence[Broker], abandoned: Event | None = None) -> Broker | None:
    """Wait until all answer clients; the first whose process ends instead, or None.

    Raises KafkaError when it takes too long: without a majority of its controllers no broker
    answers; and when nobody wants them any more.
    """
    until = time.monotonic() + START_SECONDS
    waiting = list(brokers)
    while True:
        for broker in waiting:
            if broker.pid is None:
                return broker
        waiting = [broker for broker in waiting if not answers(broker.ports.client)]
        if not waiting:
            return None
        if time.monotonic() > until:
            raise KafkaError(
                "Broker {number} does not answer; see {log}",
                number=waiting[0].number,
                log=waiting[0].log,
            )
        if abandoned is not None and abandoned.is_set():
            raise KafkaError("Nobody waits for Kafka any more.")
        time.sleep(0.05)


def _first_error(lines: Sequence[str]) -> list[str]:
    """The first error in a log and, of the traceback below it, what it was caused by."""
    at = next((at for at, line in enumerate(lines) if " ERROR " in line), None)
    if at is None:
        return []
    below = takewhile(lambda line: not LOGGED.match(line), lines[at + 1 :])
    causes = [line for line in below if line[:1].strip() and "(" not in line.split(":")[0]]
    return [lines[at], *causes[-1:]]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as found:
        found.bind((LOOPBACK, 0))
        return int(found.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback now."""
    with socket.socket() as found:
        # As Java does: a port that only lingers from closed connections is free.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int, seconds: float = 1) -> bool:
    """Whether a broker that takes requests listens there: it answers ApiVersions version 0,
    which it does once the cluster knows it (Kafka protocol guide, "ApiVersions")."""
    request = struct.pack(">hhih", 18, 0, 1, -1)  # key, version, correlation id, no client id
    try:
        with socket.create_connection((LOOPBACK, port), timeout=seconds) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            return len(connection.recv(8, socket.MSG_WAITALL)) == 8
    except OSError:
        return False


def _java(program: Program, *words: str) -> Sequence[str | Path]:
    return (program.java, *JAVA_OPTIONS, "-cp", "jars/*", *words)


def _holding(gate: BinaryIO, command: Sequence[str | Path]) -> Sequence[str | Path]:
    """The command by a shell that, having the gate as its input and more to do, keeps it locked
    until the command ends, even if we are killed meanwhile."""
    return ("/bin/sh", "-c", '"$@" </dev/null; exit $?', "sh", *command)


def escaped(value: str) -> str:
    r"""As Java's Properties read it: a backslash doubled, what is not ASCII as \uXXXX. That is
    how JSON writes it too."""
    return json.dumps(value)[1:-1]
