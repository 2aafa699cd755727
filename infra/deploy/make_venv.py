"""Makes .venv from the hashed locks: `make_venv.py run|dev`, with any Python 3.11 or later.

Standard library only, since it runs before anything is installed. Does nothing when nothing
changed, and two at once wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
PROJECT = ROOT / "pyproject.toml"
LOCKS = {"run": ROOT / "requirements.txt", "dev": ROOT / "requirements-dev.txt"}


def say(words: str) -> None:
    print(f"setup: {words}", flush=True)


def run(*command: str | Path, quiet: bool = False) -> bool:
    """Run a command; True when it succeeded."""
    output = subprocess.DEVNULL if quiet else None
    done = subprocess.run(
        [str(part) for part in command], check=False, cwd=ROOT, stdout=output, stderr=output
    )
    return done.returncode == 0


def fail(words: str) -> None:
    print(f"setup: {words}", file=sys.stderr)
    raise SystemExit(1)


def wanted(level: str) -> str:
    """A digest of all that an installation depends on; the place counts, for it is editable."""
    digest = hashlib.sha256(f"{ROOT}|{sys.version_info[:2]}|".encode())
    digest.update(PROJECT.read_bytes())
    digest.update(LOCKS[level].read_bytes())
    return digest.hexdigest()


def stamps() -> dict[str, str]:
    """What is installed: level -> digest."""
    try:
        found = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return {str(level): str(digest) for level, digest in found.items()}


def make_environment() -> None:
    """Create .venv, also where Debian splits ensurepip off into another package."""
    if PYTHON.exists() and run(PYTHON, "-c", "import pip", quiet=True):
        major, minor = sys.version_info[:2]
        same = f"import sys; sys.exit(sys.version_info[:2] != ({major}, {minor}))"
        if run(PYTHON, "-c", same, quiet=True):
            return
    say(f"making .venv with Python {sys.version.split()[0]}")
    if run(sys.executable, "-m", "venv", "--clear", VENV, quiet=True):
        return
    if not run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV):
        fail("this Python cannot make virtual environments")
    if not run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", "pip"):
        fail("this Python has neither ensurepip nor pip; install them (Debian: python3-venv)")


def bring_uv(env_uv: Path) -> bool:
    """Install uv at the locked version and hashes, by pip; False when that fails."""
    lock = LOCKS["dev"].read_text()
    pinned = re.search(r"^uv==.*?[^\\]$", lock, re.MULTILINE | re.DOTALL)
    if pinned is None:
        return False
    version = pinned[0].split("==")[1].split()[0]
    if env_uv.exists():
        found = subprocess.run([env_uv, "--version"], check=False, capture_output=True, text=True)
        if found.returncode == 0 and found.stdout.split()[1:2] == [version]:
            return True
    say("bringing uv")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirement:
        requirement.write(pinned[0] + "\n")
        requirement.flush()
        return run(
            *(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "-r", requirement.name),
        )


def install(level: str) -> None:
    """Install the lock and the project itself. uv is quick; pip, which may know of an index
    or a proxy that uv was not told of, is the second try."""
    uv = VENV / "bin" / "uv"
    if not os.access(os.path.expanduser("~"), os.W_OK):
        os.environ.setdefault("UV_CACHE_DIR", str(VENV / "cache"))
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    by_uv: tuple[str | Path, ...] = (uv, "pip", "install", "--quiet", "--python", PYTHON)
    by_pip: tuple[str | Path, ...] = (
        PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    )
    ways = [by_uv, by_pip] if bring_uv(uv) else [by_pip]
    packages = ("--require-hashes", "-r", LOCKS[level])
    project = ("--no-deps", "--no-build-isolation", "--editable", ROOT)
    say(f"installing {LOCKS[level].name} (hashes checked)")
    if not any(run(*way, *packages) for way in ways):
        fail("the packages could not be installed; the lines above say why")
    if not any(run(*way, *project) for way in ways):
        fail("the project itself could not be installed; the lines above say why")


def main(level: str) -> None:
    # The lock is taken on a file that is always there and that no step replaces.
    with PROJECT.open("rb") as gate:
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another setup of this checkout")
            fcntl.flock(gate, fcntl.LOCK_EX)
        target, done = wanted(level), stamps()
        if done.get(level) == target and PYTHON.exists():
            return
        started = time.monotonic()
        STAMP.unlink(missing_ok=True)
        make_environment()
        install(level)
        done = {name: wanted(name) for name in (("run", "dev") if level == "dev" else ("run",))}
        STAMP.write_text(json.dumps(done))
        say(f"ready in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1])
