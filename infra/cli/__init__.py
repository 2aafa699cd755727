"""The command line, `casetrail`: each module beside this one adds its commands to the app."""

from infra.cli import db, up
from infra.cli.app import main

__all__ = ["db", "main", "up"]
