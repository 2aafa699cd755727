"""The command line, `casetrail`: each module beside this one adds its commands to the app."""

from infra.cli import case, db, schema, submit, up, views
from infra.cli.app import main

__all__ = ["case", "db", "main", "schema", "submit", "up", "views"]
