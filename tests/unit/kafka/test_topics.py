"""The table of topics, and what is written of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.kafka import TOPICS, Topic
from infra.kafka.broker import COMMON, escaped
from infra.kafka.topics import DAY_MS, as_markdown

DOCS = Path(__file__).resolve().parents[3] / "docs" / "topics.md"


def test_the_page_is_what_the_table_says() -> None:
    assert DOCS.read_text(encoding="utf-8") == as_markdown(), "python -m infra.kafka topics"


def test_names_are_unique_and_kafka_takes_them() -> None:
    names = [topic.full_name("x" * 80) for topic in TOPICS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,249}", name) for name in names)


def test_everything_in_has_as_many_partitions_so_that_workers_share_evenly() -> None:
    assert {topic.partitions for topic in TOPICS if topic.direction == "in"} == {12}


@pytest.mark.parametrize(
    ("days", "compacted", "policy", "retention"),
    [(7, False, "delete", 7 * DAY_MS), (None, False, "delete", -1), (None, True, "compact", -1)],
)
def test_retention_and_compaction_are_kafkas_settings(
    days: int | None, compacted: bool, policy: str, retention: int
) -> None:
    config = Topic("t", "out", 1, days, compacted, "key", "what").config
    assert config["cleanup.policy"] == policy
    assert config["retention.ms"] == str(retention)


def test_a_broker_never_makes_a_topic_by_itself_nor_elects_a_leader_that_lost_records() -> None:
    assert COMMON["auto.create.topics.enable"] == "false"
    assert COMMON["unclean.leader.election.enable"] == "false"


@pytest.mark.parametrize(
    ("value", "written"),
    [("a=b:c #d", "a=b:c #d"), ("a\\b", "a\\\\b"), ("订单", "\\u8ba2\\u5355"), ("x\ny", "x\\ny")],
)
def test_settings_are_written_as_java_reads_them(value: str, written: str) -> None:
    assert escaped(value) == written
