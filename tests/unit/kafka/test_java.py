"""Java comes from the wheel, else from the PATH, if it is new enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.kafka import KafkaError, java
from infra.kafka.java import find_java, version_of


def fake_java(folder: Path, says: str, status: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / "java"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{says}' >&2\nexit {status}\n")
    program.chmod(0o755)
    return program


def without_wheel() -> Path | None:
    return None


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "25.0.2" 2026-01-20', 25),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ("No Java runtime present", None),
    ],
)
def test_its_version_is_what_it_says(tmp_path: Path, says: str, version: int | None) -> None:
    assert version_of(fake_java(tmp_path, says)) == version


def test_a_java_that_does_not_run_has_no_version(tmp_path: Path) -> None:
    assert version_of(tmp_path / "java") is None
    assert version_of(fake_java(tmp_path, 'version "25"', status=1)) is None


def test_the_path_stands_in_where_there_is_no_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = fake_java(tmp_path / "bin", 'openjdk version "17.0.1"')
    monkeypatch.setattr(java, "_of_wheel", without_wheel)
    monkeypatch.setenv("PATH", str(on_path.parent), prepend=":")
    assert find_java() == on_path


def test_a_wheel_that_does_not_run_here_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = fake_java(tmp_path / "wheel", "cannot execute", status=126)
    on_path = fake_java(tmp_path / "bin", 'openjdk version "21"')

    def of_wheel() -> Path:
        return broken

    monkeypatch.setattr(java, "_of_wheel", of_wheel)
    monkeypatch.setenv("PATH", str(on_path.parent), prepend=":")
    assert find_java() == on_path


def test_without_any_java_that_is_new_enough_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fake_java(tmp_path / "bin", 'openjdk version "11.0.2"')
    monkeypatch.setattr(java, "_of_wheel", without_wheel)
    monkeypatch.setenv("PATH", str(old.parent), prepend=":")
    with pytest.raises(KafkaError, match="Java 17 or later"):
        find_java()
