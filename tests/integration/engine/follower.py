"""Follows a log in a process of its own, to be killed: python -m … URL PAGE [FILE]. FILE: where the
leader leaves its process id."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Event

from infra.engine import Engine, engine
from infra.postgres import Rows


class Telling(Engine):
    """Tells who leads."""

    def _try_lead(self, conn: Rows) -> bool:
        leads = super()._try_lead(conn)
        if leads and len(sys.argv) > 3:
            Path(sys.argv[3]).write_text(str(os.getpid()))
        return leads


if __name__ == "__main__":
    engine.SILENT_AFTER = 1.0
    Telling(sys.argv[1], page=int(sys.argv[2]), poll=0.1).run(Event())
