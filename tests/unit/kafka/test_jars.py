"""Jars are what the lock says, wherever they come from, and nothing half is left."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from infra.kafka import KafkaError
from infra.kafka.jars import LOCK, Jar, Jars
from tests.unit.kafka.repository import Repository, a_repository, jgo_file, path_of, some_jars

FETCH = """
import sys
from pathlib import Path
from infra.kafka.jars import Jars
print(Jars.read(Path(sys.argv[1])).fetch(Path(sys.argv[2])))
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Repository]:
    monkeypatch.delenv("M2_REPO", raising=False)
    with a_repository() as found:
        monkeypatch.setenv("JGO_CONFIG_FILE", str(jgo_file(tmp_path, found.url)))
        yield found


def contents(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_lock_pins_one_version_of_kafka_with_a_binding_for_its_logs() -> None:
    jars = Jars.read().jars
    kafka = {jar.version for jar in jars if jar.group == "org.apache.kafka"}
    assert len(kafka) == 1
    assert re.fullmatch(r"4\.\d+\.\d+", Jars.read().version)
    assert {jar.version for jar in jars if jar.name == "kafka_2.13"} == kafka
    assert "log4j-slf4j-impl" in {jar.name for jar in jars}
    assert len({jar.file for jar in jars}) == len(jars)
    lines = LOCK.read_text().splitlines()
    assert all(re.match(r"[0-9a-f]{64}  \S+:\S+:\d\S*$", line) for line in lines)
    assert lines == sorted(lines, key=lambda line: line.split()[1])


def test_jars_are_downloaded_once_and_said(repository: Repository, tmp_path: Path) -> None:
    jars = some_jars(repository)
    said: list[str] = []

    def say(text: str, **values: object) -> None:
        said.append(text.format(**values))

    folder = jars.fetch(tmp_path / "cache", say)
    assert contents(folder) == {jar.file for jar in jars.jars}
    assert said == ["Downloading Apache Kafka 4.0.0: 5 files, once"]
    asked = len(repository.asked)
    assert jars.fetch(tmp_path / "cache", say) == folder
    assert len(repository.asked) == asked
    assert len(said) == 1
    assert contents(tmp_path / "cache") == {folder.name, f"{folder.name}.lock"}


def test_a_damaged_or_missing_jar_is_brought_anew(repository: Repository, tmp_path: Path) -> None:
    jars = some_jars(repository)
    folder = jars.fetch(tmp_path / "cache")
    first, second, *_ = jars.jars
    (folder / first.file).write_bytes(b"half")
    (folder / second.file).unlink()
    repository.asked.clear()
    jars.fetch(tmp_path / "cache")
    assert sorted(repository.jars_asked) == sorted(f"/{path_of(jar)}" for jar in (first, second))
    assert all(jar.is_whole(folder / jar.file) for jar in jars.jars)


def test_a_jar_that_is_not_the_locked_one_is_refused(
    repository: Repository, tmp_path: Path
) -> None:
    jars = some_jars(repository)
    repository.files[f"/{path_of(jars.jars[2])}"] = b"something else"
    with pytest.raises(KafkaError, match=r"part-2-4\.0\.0\.jar is not the file that was locked"):
        jars.fetch(tmp_path / "cache")
    [folder] = [path for path in (tmp_path / "cache").iterdir() if path.is_dir()]
    assert jars.jars[2].file not in contents(folder)


def test_a_jar_that_nobody_has_is_a_clear_error(repository: Repository, tmp_path: Path) -> None:
    jars = Jars((*some_jars(repository).jars, Jar("org.none", "none", "1", "0" * 64)))
    with pytest.raises(KafkaError, match=r"none-1\.jar could not be downloaded: .*not found"):
        jars.fetch(tmp_path / "cache")


def test_without_a_network_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_repository() as repository:
        jars = some_jars(repository)
    monkeypatch.setenv("JGO_CONFIG_FILE", str(jgo_file(tmp_path, repository.url)))
    with pytest.raises(KafkaError, match="set CASETRAIL_KAFKA_BOOTSTRAP") as caught:
        jars.fetch(tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_a_local_maven_repository_saves_the_download_unless_its_file_is_another(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = some_jars(repository)
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    for jar in jars.jars:
        path = tmp_path / "m2" / path_of(jar)
        path.parent.mkdir(parents=True)
        path.write_bytes(repository.files[f"/{path_of(jar)}"])
    damaged = jars.jars[3]
    (tmp_path / "m2" / path_of(damaged)).write_bytes(b"half")
    folder = jars.fetch(tmp_path / "cache")
    assert all(jar.is_whole(folder / jar.file) for jar in jars.jars)
    assert repository.jars_asked == [f"/{path_of(damaged)}"]
    assert (tmp_path / "m2" / path_of(damaged)).read_bytes() == b"half"


def test_two_that_fetch_at_once_download_once(repository: Repository, tmp_path: Path) -> None:
    jars = some_jars(repository, 20)
    lock = tmp_path / "some.lock"
    lock.write_text(
        "".join(f"{jar.sha256}  {jar.group}:{jar.name}:{jar.version}\n" for jar in jars.jars)
    )
    command: list[str | Path] = [sys.executable, "-c", FETCH, lock, tmp_path / "cache"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    folders = {process.communicate(timeout=60)[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(folders) == 1
    assert len(repository.jars_asked) == 20


def test_what_a_killed_download_left_is_removed(repository: Repository, tmp_path: Path) -> None:
    jars = some_jars(repository)
    left = tmp_path / "cache" / f"{jars.folder_name}.tmp-killed"
    left.mkdir(parents=True)
    (left / "half.jar").write_bytes(b"half")
    jars.fetch(tmp_path / "cache")
    assert not left.exists()
