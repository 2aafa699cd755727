"""The command line, `casetrail`: modules beside this one add their commands to the app, each only
when one of its commands is called (see `infra.cli.commands`)."""

from infra.cli.app import main

__all__ = ["main"]
