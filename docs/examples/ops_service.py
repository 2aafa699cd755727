"""An ops service: sends commands, awaits what became of them, and follows what happens to cases.

Needs `pip install "kafka-python[crc32c,zstd]"`; docs/ops-services.md explains each step.

    python docs/examples/ops_service.py localhost:9092 casetrail
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

SOURCE = "warehouse-bot"  # this service: with ce_id it makes a message unique
ACTOR = {"kind": "system", "id": SOURCE, "role": "service"}


class Commands:
    """Sends commands and facts, and waits for their results."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._topic = f"{prefix}.commands"
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
        )
        self._results = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        name = f"{prefix}.command-results"
        places = [TopicPartition(name, n) for n in self._results.partitions_for_topic(name)]
        self._results.assign(places)
        self._results.seek_to_end(*places)  # before anything is sent
        for place in places:
            self._results.position(place)

    def ask(
        self, type_: str, data: dict[str, Any], *, id_: str, at: datetime | None = None
    ) -> dict[str, Any]:
        """Send it and wait for its result. Asking again with the same id is safe: it is done
        once, and the first answer comes again."""
        correlation_id = str(uuid.uuid4())  # one for each attempt
        headers = {
            "ce_specversion": "1.0",
            "ce_type": f"{type_}.v1",
            "ce_source": SOURCE,
            "ce_id": id_,
            "ce_correlationid": correlation_id,
            "content-type": "application/json",
        }
        if at is not None:
            headers["ce_time"] = at.isoformat()
        sent = self._producer.send(
            self._topic,
            key=data["case_id"].encode(),  # what it is about: its records stay in order
            value=json.dumps({"actor": ACTOR, "data": data}).encode(),
            headers=[(name, text.encode()) for name, text in headers.items()],
        )
        sent.get(timeout=30)  # acknowledged
        return self._await(correlation_id)

    def _await(self, correlation_id: str, seconds: float = 60) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for records in self._results.poll(timeout_ms=500).values():
                for record in records:
                    result = json.loads(record.value)
                    if result["correlation_id"] == correlation_id:
                        return result
        raise TimeoutError("no result yet: ask again with the same id")

    def close(self) -> None:
        self._producer.close()
        self._results.close()


def follow(bootstrap: str, prefix: str, group: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Type and content of each event of each case, once and in its order, for ever.

    What is kept in `seen` belongs into the service's own database, written together with what
    the event brings about: then the service may end at any moment.
    """
    consumer = KafkaConsumer(
        f"{prefix}.case-events",
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    seen: dict[str, int] = {}
    try:
        while True:
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    type_ = dict(record.headers)["ce_type"].decode()
                    event = json.loads(record.value)
                    if event["version"] > seen.get(event["case_id"], 0):
                        seen[event["case_id"]] = event["version"]
                        yield type_, event
            consumer.commit()
    finally:
        consumer.close()


def main(bootstrap: str, prefix: str) -> None:
    case_id = f"douyin:example-shop:AS{uuid.uuid4().hex[:8]}"
    complaint = {
        "case_id": case_id,
        "channel": "im",
        "items": [{"line": "1", "quantity": 1, "problem": "damaged"}],
        "private": {"text": "the cup arrived broken"},  # is never published
    }
    at = datetime.now(timezone.utc)  # noqa: UP017 (for any Python)
    commands = Commands(bootstrap, prefix)

    first = commands.ask("case.file_complaint", complaint, id_=f"{case_id}/filed", at=at)
    print("filed:", first["outcome"], "at", first["position"], flush=True)
    again = commands.ask("case.file_complaint", complaint, id_=f"{case_id}/filed", at=at)
    print("again:", again["outcome"], "repeat", again["repeat"], flush=True)
    nobody = {"case_id": "douyin:example-shop:nobody", "reason": "by mistake"}
    refused = commands.ask("case.reopen", nobody, id_=f"{case_id}/reopened")
    print("refused:", refused["code"], "-", refused["message"], flush=True)
    broken = commands.ask("case.reopen", {"case_id": case_id, "oops": 1}, id_=f"{case_id}/oops")
    why = (broken["code"], "-", broken["message"], broken["field"])
    print("not taken:", *why, "dead letter", broken["dead_letter"], flush=True)
    commands.close()

    for type_, event in follow(bootstrap, prefix, f"{SOURCE}-{uuid.uuid4().hex[:8]}"):
        if event["case_id"] == case_id:
            print(event["version"], type_, event["occurred_at"], flush=True)
            if event["position"] >= first["position"]:
                break


if __name__ == "__main__":
    main(*sys.argv[1:3])
