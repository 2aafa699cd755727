"""A slice's dead letters are kept however large it is."""

from __future__ import annotations

import psycopg

from infra.kafka import Admin, Cluster
from tests.support.cases import contact, note
from tests.support.kafka import as_record, create_topics, open_intake, send


def test_an_id_used_for_another_content_is_a_dead_letter_in_a_long_slice_after_a_short_one(
    kafka_cluster: Cluster, admin: Admin, prefix: str, database_url: str
) -> None:
    create_topics(admin, prefix)
    send(kafka_cluster.address, prefix, [as_record(contact(1, "a"))])
    with open_intake(database_url, kafka_cluster.address, prefix) as (intake, _):
        intake.catch_up()
        more = [as_record(note(1, "a"))] + [as_record(contact(1, f"b{n}")) for n in range(200)]
        send(kafka_cluster.address, prefix, more)
        intake.catch_up()
        assert intake.records == 202
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT code FROM dead_letters").fetchall() == [("message_id_reused",)]
