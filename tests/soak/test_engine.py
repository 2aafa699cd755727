"""Faults and kills at random moments under load: rows end as those of a fresh rebuild."""

from __future__ import annotations

import subprocess
import sys
import time
from random import Random

from infra.engine import rebuild, verify
from projections import queue, shipped_units
from tests.integration.engine.chaos import chaos, rounds
from tests.integration.engine.test_engine import ROOT

ROUNDS = 5
FAULTS = 12
KILLS = 15
BUILD = """
import sys
from infra.engine import find_projection, rebuild
from projections import PROJECTIONS
sys.modules["infra.engine.rebuild"].PART = 50
rebuild(sys.argv[1], find_projection(PROJECTIONS, sys.argv[2]))
"""


def test_faults_at_random_leave_rows_as_a_rebuild_makes_them() -> None:
    with chaos(Random()) as one:
        for _ in range(ROUNDS):
            rounds(one, FAULTS)
            one.check()


def test_rebuilds_killed_at_random_under_load_end_as_one_that_was_not() -> None:
    random = Random()
    with chaos(random) as one:
        with one.load():
            for projection in (queue.PROJECTION, shipped_units.PROJECTION):
                killed = 0
                for _ in range(KILLS):
                    command = [sys.executable, "-c", BUILD, one.url, projection.name]
                    with subprocess.Popen(command, cwd=ROOT) as process:
                        time.sleep(random.uniform(0.5, 4.0))
                        killed += process.poll() is None
                        process.kill()
                assert killed > 0
                assert rebuild(one.url, projection).swap_seconds < 1.0
                assert verify(one.url, projection).count == 0
        # Those that were read before are followed no more.
        one.drop_kept()
        one.check()
