"""PostgreSQL: the embedded server, connections, migrations and named statements."""

from infra.postgres.connect import OF_THE_ROWS, Pool, Rows, check_server, connect, open_pool
from infra.postgres.embedded import Server, embedded_server
from infra.postgres.launch import PostgresError
from infra.postgres.migrate import MigrationError, migrate, pending_migrations
from infra.postgres.statements import Statements, load_statements

__all__ = [
    "OF_THE_ROWS",
    "MigrationError",
    "Pool",
    "PostgresError",
    "Rows",
    "Server",
    "Statements",
    "check_server",
    "connect",
    "embedded_server",
    "load_statements",
    "migrate",
    "open_pool",
    "pending_migrations",
]
