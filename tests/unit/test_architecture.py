"""What holds the folders apart, and what must not stand in any file."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra.postgres import load_statements

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("domain", "projections", "consumers", "infra")
FOLDERS = {*PACKAGES, "tests", "docs", ".ci"}
# What every read model has under the same name; projections/projection.py explains these.
PARTS = {"create_table", "create_indexes", "create_readers", "upsert_rows", "delete_rows"}
STATEMENT = re.compile(r"^-- name:[ \t]*(\S+)\n(.*)$", re.MULTILINE)


def kept_files() -> Iterator[Path]:
    """Every file of the project; git is not needed, what is made or downloaded is left out."""
    for path in sorted(ROOT.iterdir()):
        if path.is_file():
            yield path
        elif path.name in FOLDERS:
            yield from (
                found
                for found in sorted(path.rglob("*"))
                if found.is_file() and "__pycache__" not in found.parts
            )


def sql_files() -> list[Path]:
    return [path for path in kept_files() if path.suffix == ".sql"]


def test_packages_import_only_what_the_architecture_allows() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_no_other_distribution_owns_the_names_of_our_packages() -> None:
    owners = packages_distributions()
    for package in PACKAGES:
        assert set(owners.get(package, ["casetrail"])) == {"casetrail"}


def test_the_top_level_holds_the_folders_that_the_architecture_names() -> None:
    ignored = {line.strip().strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    found = {path.name for path in ROOT.iterdir() if path.is_dir()}
    assert found - ignored - {".git"} == FOLDERS


def test_no_file_names_a_registry_host() -> None:
    # In pieces, or this file would name them.
    names = ("py|pi.org", "python|hosted.org", "npm|js.org", "npm|js.com", "maven|.org")
    hosts = [name.replace("|", "") for name in names]
    for path in kept_files():
        content = path.read_bytes().decode("utf-8", errors="replace").lower()
        assert not [host for host in hosts if host in content], path


def test_every_locked_package_has_hashes() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lock = (ROOT / name).read_text().replace("\\\n", " ")
        for line in lock.splitlines():
            assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line), line


def test_both_locks_agree() -> None:
    def pins(name: str) -> set[str]:
        lock = (ROOT / name).read_text()
        return {" ".join(line.rstrip("\\").split()) for line in lock.splitlines() if "==" in line}

    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups: dict[str, list[str]] = project["dependency-groups"]
    wanted: list[str] = [*project["project"]["dependencies"], *groups["build"], *groups["dev"]]
    lock = (ROOT / "requirements-dev.txt").read_text()
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9-]+", requirement)
        assert name is not None
        assert re.search(rf"^{name[0]}==", lock, re.MULTILINE), requirement


@pytest.mark.parametrize("path", sql_files(), ids=lambda path: path.name)
def test_every_named_statement_is_explained(path: Path) -> None:
    if path.parent.name == "migrations":
        return
    load_statements(path)
    known = PARTS if path.parent.name == "projections" else set[str]()
    for name, following in STATEMENT.findall(path.read_text()):
        assert name in known or following.startswith("-- "), (
            f"{name} in {path.name} does not say what it does"
        )


def test_a_wheel_holds_the_packages_with_their_sql_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        check=True,
        cwd=ROOT,
        capture_output=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for path in kept_files():
        inside = path.relative_to(ROOT)
        if inside.parts[0] in PACKAGES:
            assert inside.as_posix() in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
