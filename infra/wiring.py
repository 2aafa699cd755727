"""Builds everything from the settings; the one place that knows all parts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Protocol

from infra.activity import Activity
from infra.failure import Say, say_nothing
from infra.kafka import Cluster, embedded_kafka, init_topics, open_admin, require_topics
from infra.kafka.keeper import BrokerKeeper
from infra.postgres import Server, check_server, embedded_server, migrate
from infra.postgres.roles import (
    APPLICATION,
    DATABASE,
    OWNER,
    current_role,
    prepare_database,
)
from infra.settings import KafkaAddress, Settings

if TYPE_CHECKING:
    from infra.event_store import EventLog
    from infra.pipeline import Pipeline
    from infra.vault import Vault


@dataclass(frozen=True)
class System:
    """What a command works with: its settings and a checked, migrated database.

    server: the embedded one, or None where a URL was given.
    """

    settings: Settings
    database_url: str
    server: Server | None


@contextlib.contextmanager
def open_system(
    settings: Settings, say: Say = say_nothing, *, migrating: bool = True
) -> Generator[System]:
    """Everything a command needs, for as long as it needs it; starts the embedded server if
    nobody has, and stops it if nobody else uses it.

    Raises PostgresError when the database cannot be reached, trusted or migrated.
    """
    with contextlib.ExitStack() as stack:
        if settings.database_url is None:
            server = stack.enter_context(embedded_server(settings.home, settings.postgres, say=say))
            prepare_database(server)
            url, owner_url = server.url(DATABASE, APPLICATION), server.url(DATABASE, OWNER)
        else:
            server, url = None, settings.database_url
            owner_url = settings.migrate_url or url
            check_server(url)
        if migrating:
            migrate(owner_url, app_role=current_role(url) if owner_url != url else None)
        yield System(settings, url, server)


@dataclass(frozen=True)
class Kafka:
    """Where Kafka is. cluster: the embedded one, or None where another was named."""

    address: KafkaAddress
    cluster: Cluster | None = None


@contextlib.contextmanager
def open_kafka(settings: Settings, say: Say = say_nothing) -> Generator[KafkaAddress]:
    """Where Kafka is, for as long as it is needed; starts the embedded one if nobody has and no
    other is named, and stops it if nobody else uses it. Raises KafkaError."""
    with _open_brokers(settings, say) as kafka:
        yield kafka.address


@contextlib.contextmanager
def _open_brokers(settings: Settings, say: Say, abandoned: Event | None = None) -> Generator[Kafka]:
    """abandoned: once set, nobody waits for their start any more."""
    if settings.kafka is not None:
        yield Kafka(settings.kafka)
        return
    with embedded_kafka(
        settings.home, settings.brokers, cache=settings.cache, say=say, abandoned=abandoned
    ) as cluster:
        yield Kafka(cluster.address, cluster)


@contextlib.contextmanager
def open_servers(
    settings: Settings, say: Say = say_nothing
) -> Generator[tuple[System, Callable[[], Kafka]]]:
    """The database, and Kafka with its topics, both of which start at the same time. The second
    waits until Kafka is there; it raises KafkaError.

    On the embedded Kafka topics that are missing are created.
    """
    abandoned = Event()
    with contextlib.ExitStack() as kafka, ThreadPoolExecutor(1, "kafka") as starter:
        starting = starter.submit(kafka.enter_context, _open_topics(settings, say, abandoned))
        try:
            with open_system(settings, say) as system:
                yield system, starting.result
        finally:
            abandoned.set()


@contextlib.contextmanager
def _open_topics(settings: Settings, say: Say, abandoned: Event) -> Generator[Kafka]:
    with _open_brokers(settings, say, abandoned) as kafka:
        with open_admin(kafka.address) as admin:
            if kafka.cluster is not None:
                outcomes = init_topics(admin, settings.topic_prefix)
                differing = ", ".join(one.name for one in outcomes if one.differences)
                if differing:
                    say(
                        "Topics that are not as they should be: {names}. They were left as they "
                        "are.",
                        names=differing,
                    )
            else:
                require_topics(admin, settings.topic_prefix)
        yield kafka


@dataclass(frozen=True)
class Store:
    """The log, the way into it, and the keys of its personal data."""

    log: EventLog
    pipeline: Pipeline
    vault: Vault


@contextlib.contextmanager
def open_store(system: System) -> Generator[Store]:
    """The system's store; connects at the first use. Raises VaultError for a master key that
    cannot be read."""
    # Late: the domain takes most of the time in which the program starts, and who only looks at
    # views does without.
    from domain import decider
    from infra.event_store import EventLog, LogDatastore
    from infra.pipeline import Pipeline
    from infra.vault import Vault, read_master_key

    key_file = system.settings.master_key_file
    key_file.parent.mkdir(parents=True, exist_ok=True)
    datastore = LogDatastore(system.database_url)
    with closing(EventLog(datastore)) as log:
        vault = Vault(datastore, read_master_key(key_file))
        yield Store(log, Pipeline(datastore, vault, decider), vault)


class Worker(Protocol):
    """Something that `casetrail up` keeps running. Its own troubles it retries; an exception
    ends the program."""

    @property
    def name(self) -> str: ...

    def run(self, stop: Event) -> None:
        """Work until `stop` is set, then return within a second or two."""

    def catch_up(self) -> None:
        """Do all there is to do now and return."""


class Observable(Worker, Protocol):
    """A worker that tells how it goes."""

    @property
    def activity(self) -> Activity: ...


@dataclass(frozen=True)
class Workers:
    """All that runs beside the commands. ways_in: bring requests to the log; timers: what time
    itself asks for; followers: make something of what the log holds. keepers: of the servers that
    we started."""

    keepers: tuple[Worker, ...]
    ways_in: tuple[Observable, ...]
    timers: tuple[Observable, ...]
    followers: tuple[Observable, ...]

    @property
    def all(self) -> tuple[Worker, ...]:
        return (*self.keepers, *self._observed)

    @property
    def activities(self) -> tuple[Activity, ...]:
        return tuple(worker.activity for worker in self._observed)

    @property
    def _observed(self) -> tuple[Observable, ...]:
        return (*self.ways_in, *self.timers, *self.followers)


@contextlib.contextmanager
def open_workers(system: System, kafka: Kafka, say: Say = say_nothing) -> Generator[Workers]:
    """The workers of this process, none of which runs yet."""
    from infra.claims import Sweeper  # late, like open_store's decider
    from infra.engine import Engine
    from infra.kafka.intake_wiring import open_intake
    from infra.kafka.publisher.wiring import build_publisher

    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_store(system))
        intake = stack.enter_context(open_intake(system, store, kafka.address, say))
        publisher = build_publisher(system, kafka.address, say)
        yield Workers(
            keepers=() if kafka.cluster is None else (BrokerKeeper(kafka.cluster, say),),
            ways_in=(intake,),
            timers=(Sweeper(store.log.datastore, store.pipeline),),
            followers=(Engine(system.database_url), publisher),
        )
