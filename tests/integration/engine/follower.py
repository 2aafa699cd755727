"""Follows a log in a process of its own, to be killed: python -m … URL PAGE."""

from __future__ import annotations

import sys
from threading import Event

from infra.engine import Engine

if __name__ == "__main__":
    Engine(sys.argv[1], page=int(sys.argv[2]), poll=0.1).run(Event())
