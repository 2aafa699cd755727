"""The command line, `casetrail`: each module beside this one adds its commands to the app."""

from infra.cli import (
    case,
    claims,
    db,
    kafka,
    kafka_intake,
    kafka_status,
    projections,
    publisher,
    schema,
    submit,
    up,
    views,
)
from infra.cli.app import main

__all__ = [
    "case",
    "claims",
    "db",
    "kafka",
    "kafka_intake",
    "kafka_status",
    "main",
    "projections",
    "publisher",
    "schema",
    "submit",
    "up",
    "views",
]
