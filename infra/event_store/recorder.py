"""The log in PostgreSQL, behind the interface of the library `eventsourcing`."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.postgres import (
    ConnectionPool,
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresFactory,
)
from eventsourcing.utils import Environment
from psycopg import Connection, Cursor, Error
from psycopg.rows import DictRow, dict_row

from domain.kernel import kind_of
from infra.postgres import OF_THE_ROWS, load_statements
from infra.postgres.leading import end_silent_holder

SQL = load_statements(Path(__file__).with_name("log.sql"))

LOG_LOCK = 0x43617365_4C6F67  # "CaseLog": the advisory lock that orders all writes
CHANNEL = "stored_events"

SILENT_AFTER = 2.0
"""Seconds without a word after which a writer is ended that holds the log's lock."""

_LAST = 2**63 - 1

# A writer that stops while it holds the lock is ended by the server. A waiting one gives up
# long before a person does.
SESSION_SETTINGS = {
    "idle_in_transaction_session_timeout": "2s",
    "lock_timeout": "3s",
    "statement_timeout": "30s",
    "timezone": "UTC",
}


def configure_session(conn: Connection[Any]) -> None:
    """Autocommit and the time-outs that every connection to the log has."""
    conn.autocommit = True
    for name, value in SESSION_SETTINGS.items():
        conn.execute("SELECT set_config(%s, %s, false)", (name, value))


@dataclass(frozen=True)
class Row(Notification):
    """A stored event as a row of our log."""

    recorded_at: datetime


class LogDatastore(PostgresDatastore):
    """The library's datastore on a connection URL, with our session settings."""

    def __init__(self, url: str, pool_size: int = 4) -> None:
        super().__init__("", "", "", "", "", originator_id_type="text")
        self.pool = ConnectionPool(
            url,
            connection_class=Connection[DictRow],
            kwargs={"row_factory": dict_row},
            min_size=1,
            max_size=pool_size,
            open=False,
            configure=configure_session,
            timeout=5.0,
        )

    @contextmanager
    def connection(self) -> Generator[Connection[DictRow]]:
        """A connection whose errors stay psycopg's own. Raises PoolTimeout, an
        OperationalError, when the server cannot be reached."""
        self.pool.open()
        with self.pool.connection() as conn:
            try:
                yield conn
            except OF_THE_ROWS:
                raise
            except Error:
                # What is wrong may stay with the session, as when it began while the database was
                # read-only: the next one shall have a new one.
                conn.close()
                raise

    def register_type_adapters(self) -> None:
        """Nothing to register: events travel as plain arrays, not as a composite type."""


class LogFactory(PostgresFactory):
    """Builds our recorder; takes nothing from the environment."""

    def __init__(self, datastore: LogDatastore) -> None:
        self.env = Environment("log", {})
        self._is_entered = False
        self.datastore = datastore

    def application_recorder(self) -> LogRecorder:
        return LogRecorder(self.datastore)


class LogRecorder(PostgresApplicationRecorder):
    """Appends to stored_events and reads from it. Its tables are made by our migrations."""

    def create_table(self) -> None:
        raise NotImplementedError("the log's tables are made by the migrations")

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append all of the events in one transaction, or none. Returns their positions.

        Raises IntegrityError when a stream already has one of the versions. Not retried: after
        a lost connection only the caller can look whether it was committed.
        """
        if not stored_events:
            return []
        # The lock first, and as its own statement: the insert's snapshot is then younger
        # than the last holder's commit.
        with (
            self.datastore.get_connection() as conn,
            conn.pipeline(),
            conn.transaction(),
            conn.cursor() as cursor,
        ):
            lock_log(cursor)
            head = conn.execute(SQL["select_head"])
            append_events(cursor, stored_events)
            notify_readers(cursor)
            (before,) = (head.fetchone() or {}).values()
        return range(before + 1, before + 1 + len(stored_events))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[Row]:
        statement = SQL["select_stream_backwards" if desc else "select_stream"]
        return self._rows(
            statement,
            stream=str(originator_id),
            after=gt or 0,
            upto=_LAST if lte is None else lte,
            limit=limit,
        )

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
        kinds: Sequence[int] = (),
    ) -> Sequence[Row]:
        """A page of the log in commit order; `kinds` (see domain.kernel.Kind) skips the others'
        events quickly, `topics` slowly."""
        if kinds and topics:
            raise ValueError("filter by kinds or by topics, not by both")
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        upto = _LAST if stop is None else stop
        if kinds:
            return self._rows(
                SQL["select_tail_of_kinds"], after=after, upto=upto, limit=limit, kinds=list(kinds)
            )
        if topics:
            return self._rows(
                SQL["select_tail_of_topics"],
                after=after,
                upto=upto,
                limit=limit,
                topics=list(topics),
            )
        return self._rows(SQL["select_tail"], after=after, upto=upto, limit=limit)

    def max_notification_id(self) -> int | None:
        with self.datastore.get_connection() as conn:
            row = conn.execute(SQL["select_head"]).fetchone()
        (head,) = (row or {}).values()
        return head or None

    def _rows(self, statement: Any, **params: Any) -> list[Row]:
        with self.datastore.get_connection() as conn, conn.cursor(binary=True) as cursor:
            cursor.execute(statement, params, prepare=True)
            return [
                Row(
                    originator_id=row["originator_id"],
                    originator_version=row["originator_version"],
                    topic=row["topic"],
                    state=row["state"],
                    id=row["notification_id"],
                    recorded_at=row["recorded_at"],
                )
                for row in cursor.fetchall()
            ]


def lock_log(cursor: Cursor[Any]) -> None:
    """Wait for the log's lock, held until the transaction ends. Raises LockNotAvailable."""
    cursor.execute(SQL["lock_log"], {"key": LOG_LOCK}, prepare=True)


def append_events(cursor: Cursor[Any], events: Sequence[StoredEvent]) -> None:
    """Add events after the log's last position; to be called under the log's lock."""
    cursor.execute(
        SQL["insert_events"],
        {
            "streams": [str(event.originator_id) for event in events],
            "versions": [event.originator_version for event in events],
            "kinds": [int(kind_of(str(event.originator_id))) for event in events],
            "topics": [event.topic for event in events],
            "states": [event.state for event in events],
        },
        prepare=True,
    )


def notify_readers(cursor: Cursor[Any]) -> None:
    """Wake whoever listens on CHANNEL, once this transaction is committed."""
    cursor.execute(SQL["notify_readers"])


def free_log(conn: Connection[Any]) -> None:
    """End a writer that stopped while it holds the log's lock; nothing if there is none."""
    end_silent_holder(conn, LOG_LOCK, SILENT_AFTER)
