"""The embedded Kafka: one cluster for each home and size, shared by all commands that use it."""

from __future__ import annotations

import base64
import contextlib
import json
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO

from infra.failure import Say, say_nothing
from infra.kafka.broker import (
    ENDING,
    LAST_SECONDS,
    LOOPBACK,
    Broker,
    Ports,
    Program,
    await_ready,
    free_port,
    is_free,
    pid_file,
)
from infra.kafka.failure import KafkaError
from infra.kafka.jars import Jars
from infra.kafka.java import find_java
from infra.settings import BrokerCount, KafkaAddress
from infra.sharing import sharing, start_lock

ATTEMPTS = 3  # to find ports that nobody takes before the broker does


@dataclass(frozen=True)
class Cluster:
    """A running cluster. Its brokers can be killed, stopped and started one by one, for tests
    of what happens then; by number, from 1. cache: where the jars lie."""

    folder: Path
    brokers: Mapping[int, Broker]
    cache: Path

    @property
    def address(self) -> KafkaAddress:
        """For clients, in the order of the brokers' numbers."""
        ports = [broker.ports.client for broker in self.brokers.values()]
        return KafkaAddress(tuple(f"{LOOPBACK}:{port}" for port in ports))

    def pid(self, number: int) -> int | None:
        """The broker's process, or None while it does not run."""
        return self.brokers[number].pid

    def kill(self, number: int) -> None:
        """SIGKILL; returns when the process is gone."""
        with start_lock(self.folder):
            self.brokers[number].kill()

    def stop(self, number: int) -> None:
        """SIGTERM, as an operator would; returns when the process is gone."""
        with start_lock(self.folder):
            self.brokers[number].stop()

    def start(self, *numbers: int, abandoned: Event | None = None) -> None:
        """Start those that don't run, where they were; returns when they answer clients, so
        start a majority of the controllers at once if none runs. abandoned: once set, nobody
        waits for them any more. Raises KafkaError."""
        program = find_program(self.cache)
        brokers = [self.brokers[number] for number in numbers]
        with start_lock(self.folder) as gate:
            for broker in brokers:
                if broker.pid is None:
                    broker.launch(program, gate)
            failed = await_ready(brokers, abandoned)
        if failed is not None:
            raise _did_not_start(failed)

    def restart(self, number: int) -> None:
        """Stop and start it."""
        self.stop(number)
        self.start(number)


@contextlib.contextmanager
def embedded_kafka(
    home: Path,
    brokers: BrokerCount = 1,
    *,
    cache: Path | None = None,
    more: Mapping[str, str] | None = None,
    say: Say = say_nothing,
    abandoned: Event | None = None,
) -> Generator[Cluster]:
    """Use the home's cluster of this size, starting it first if nobody has; stop it if nobody
    else uses it.

    cache: where the jars lie or will lie (default: home/cache). more: broker settings that win
    over ours, of whoever starts it; `listeners` is added to ours. say: told before a step that
    takes seconds. abandoned: once set, nobody waits for the start any more. Raises KafkaError
    when it cannot be started.
    """
    folder = home / f"kafka-{brokers}"
    place = _Place(folder, brokers, cache or home / "cache", more or {}, say, abandoned)
    with sharing(place) as cluster:
        yield cluster


def find_program(cache: Path, say: Say = say_nothing) -> Program:
    """Java and Kafka's jars, downloaded if need be. Raises KafkaError."""
    return Program(find_java(), Jars.read().fetch(cache, say))


@dataclass
class _Record:
    """What has to stay the same from one start to the next: the cluster's id; and what had
    better: its ports."""

    cluster_id: str
    ports: dict[int, Ports]

    @classmethod
    def read(cls, file: Path) -> _Record | None:
        """What was written, or None: nothing has been started there."""
        try:
            found = json.loads(file.read_text())
        except FileNotFoundError:
            return None
        ports = {int(number): Ports(*pair) for number, pair in found["ports"].items()}
        return cls(found["cluster_id"], ports)

    def write(self, file: Path) -> None:
        pairs = {number: (ports.client, ports.controller) for number, ports in self.ports.items()}
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(json.dumps({"cluster_id": self.cluster_id, "ports": pairs}))
        fresh.replace(file)


@dataclass(frozen=True)
class _Place:
    """A cluster's folder and what runs there. Its methods want the start lock held."""

    folder: Path
    size: BrokerCount
    cache: Path
    more: Mapping[str, str]
    say: Say
    abandoned: Event | None
    ending = ENDING

    @property
    def numbers(self) -> range:
        return range(1, self.size + 1)

    @property
    def record_file(self) -> Path:
        return self.folder / "cluster.json"

    @property
    def pid_files(self) -> Sequence[Path]:
        return [pid_file(self._folder_of(number)) for number in self.numbers]

    def running(self) -> Cluster | None:
        """The cluster, once each of its brokers answers; None if one does not run."""
        cluster = self._cluster()
        if (
            cluster is None
            or await_ready(list(cluster.brokers.values()), self.abandoned) is not None
        ):
            return None
        return cluster

    def start(self, gate: BinaryIO) -> Cluster:
        program = find_program(self.cache, self.say)
        version = Jars.read().version
        if not self.record_file.exists():
            self.say("Creating a Kafka {version} cluster", version=version)
        self.say("Starting Kafka {version}", version=version)
        failed = None
        for _ in range(ATTEMPTS):
            record = self._with_free_ports(_Record.read(self.record_file))
            cluster = self._of(record)
            down = [broker for broker in cluster.brokers.values() if broker.pid is None]
            for broker in down:
                broker.configure(program, record.ports, self.more)
                broker.format(program, record.cluster_id, gate)
            for broker in down:
                broker.launch(program, gate)
            failed = await_ready(list(cluster.brokers.values()), self.abandoned)
            if failed is None:
                return cluster
            self.stop()
            if all(is_free(port) for port in (failed.ports.client, failed.ports.controller)):
                break
        assert failed is not None
        raise _did_not_start(failed)

    def stop(self) -> None:
        cluster = self._cluster()
        running = [broker for broker in cluster.brokers.values() if broker.pid] if cluster else []
        for place, broker in enumerate(running, 1):
            last_of_several = self.size > 1 and place == len(running)
            broker.stop(LAST_SECONDS if last_of_several else ENDING.seconds)

    def _folder_of(self, number: int) -> Path:
        return self.folder / f"broker-{number}"

    def _cluster(self) -> Cluster | None:
        """The cluster as it was last started, running or not; None if it never was."""
        record = _Record.read(self.record_file)
        return self._of(record) if record else None

    def _of(self, record: _Record) -> Cluster:
        brokers = {
            number: Broker(number, self._folder_of(number), ports)
            for number, ports in record.ports.items()
        }
        return Cluster(self.folder, brokers, self.cache)

    def _with_free_ports(self, found: _Record | None) -> _Record:
        """The cluster's record, written down, with ports that are free unless brokers run: the
        last ones if they still are, since people note them."""
        record = found or _Record(_new_id(), {})
        if found is None or not any(broker.pid for broker in self._of(found).brokers.values()):
            taken: set[int] = set()
            for number in self.numbers:
                last = record.ports.get(number, Ports(0, 0))
                record.ports[number] = Ports(
                    _kept(last.client, taken), _kept(last.controller, taken)
                )
            record.write(self.record_file)
        return record


def _kept(port: int, taken: set[int]) -> int:
    """The port, or another that is free and not among those taken, to which it is added."""
    while port == 0 or port in taken or not is_free(port):
        port = free_port()
    taken.add(port)
    return port


def _new_id() -> str:
    """A cluster's id as Kafka writes them: a UUID in 22 characters, none of them first a dash,
    which would look like an option."""
    while True:
        written = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not written.startswith("-"):
            return written


def _did_not_start(broker: Broker) -> KafkaError:
    return KafkaError(
        "Broker {number} did not start: {reason}", number=broker.number, reason=broker.last_words()
    )
