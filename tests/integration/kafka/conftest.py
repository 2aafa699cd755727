"""One real broker for the run, shared by its workers as commands share theirs."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from pathlib import Path

import pytest

from infra.kafka import Admin, Cluster, embedded_kafka, open_admin
from infra.settings import read_settings
from tests.conftest import HOME


@pytest.fixture(scope="session")
def kafka_cache() -> Path:
    """Where Kafka's program lies, downloaded once for all runs."""
    return read_settings().cache


@pytest.fixture(scope="session")
def kafka_cluster(request: pytest.FixtureRequest, kafka_cache: Path) -> Generator[Cluster]:
    """The run's broker. Nothing in it is a test's alone but the topics of its prefix."""
    with embedded_kafka(request.config.stash[HOME], cache=kafka_cache) as cluster:
        yield cluster


@pytest.fixture
def admin(kafka_cluster: Cluster) -> Generator[Admin]:
    with open_admin(kafka_cluster.address) as client:
        yield client


@pytest.fixture
def prefix(kafka_cluster: Cluster) -> Generator[str]:
    """What the names of the test's own topics begin with; they are deleted at its end."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    yield prefix
    with open_admin(kafka_cluster.address) as client:
        names = [str(topic["name"]) for topic in client.describe_topics()]
        mine = [name for name in names if name.startswith(f"{prefix}.")]
        if mine:
            client.delete_topics(mine)
