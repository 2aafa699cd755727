"""In CI a skipped test fails the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = "import pytest\n\ndef test_nothing():\n    pytest.skip('not here')\n"
PASSED = "def test_something():\n    pass\n"


@pytest.mark.parametrize(
    ("ci", "test", "succeeds"),
    [("true", SKIPPED, False), ("true", PASSED, True), ("", SKIPPED, True)],
)
@pytest.mark.parametrize("workers", ["0", "1"])
def test_a_skipped_test_fails_the_run_in_ci_only(
    tmp_path: Path, ci: str, test: str, succeeds: bool, workers: str
) -> None:
    (tmp_path / "test_one.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-n", workers, tmp_path],
        check=False,
        cwd=ROOT,
        env=os.environ | {"CI": ci},
        capture_output=True,
        text=True,
    )
    assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
