"""The embedded server is shared, survives every kill, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from infra.postgres import PostgresError, connect, embedded, embedded_server, launch
from infra.postgres.launch import Launcher, account_launcher, choose_launcher
from tests.support.processes import guards_of, holding, within

IS_ROOT = os.geteuid() == 0
HOLD = """
import sys
from pathlib import Path
from infra.postgres import embedded_server
with embedded_server(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    sys.stdin.read()
"""


def leave(process: subprocess.Popen[str]) -> None:
    """Let the other command end in its own way."""
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(30) == 0


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def note(url: str, words: str) -> None:
    with closing(connect(url, autocommit=True)) as conn:
        conn.execute("create table if not exists notes (words text)")
        conn.execute("insert into notes values (%s)", (words,))


def notes(url: str) -> list[str]:
    with closing(connect(url)) as conn:
        return [words for (words,) in conn.execute("select words from notes").fetchall()]


def test_what_was_written_is_there_at_the_next_start(home: Path) -> None:
    for version in (18, 16):
        with embedded_server(home, version) as server:
            note(server.url("postgres"), f"kept by {version}")
        assert not runs(server.pid)
    for version in (18, 16):
        with embedded_server(home, version) as server:
            assert notes(server.url("postgres")) == [f"kept by {version}"]


def test_it_listens_on_a_socket_of_its_user_only_and_keeps_what_it_confirms(home: Path) -> None:
    with embedded_server(home) as server, closing(connect(server.url("postgres"))) as conn:
        shown = {
            setting: conn.execute("select current_setting(%s)", (setting,)).fetchone()
            for setting in ("listen_addresses", "fsync", "full_page_writes", "synchronous_commit")
        }
        assert shown == {
            "listen_addresses": ("",),
            "fsync": ("on",),
            "full_page_writes": ("on",),
            "synchronous_commit": ("on",),
        }
        assert psutil.Process(server.pid).net_connections("inet") == []
        assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700


def test_commands_share_one_server_and_the_last_stops_it(home: Path) -> None:
    with holding(HOLD, home) as (first, pid):
        with holding(HOLD, home) as (second, same):
            assert same == pid
            leave(first)
            assert runs(pid)
            with embedded_server(home) as server:
                assert server.pid == pid
            assert runs(pid)
            leave(second)
        assert not runs(pid)


def test_commands_that_start_at_once_share_one_server(home: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(home)]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=os.getcwd())
        for _ in range(4)
    ]
    pids = {int(process.stdout.readline()) for process in started if process.stdout}
    for process in started:
        process.communicate("")
        assert process.returncode == 0
    assert len(pids) == 1
    assert not runs(pids.pop())


def test_the_server_of_a_killed_command_is_stopped(home: Path) -> None:
    with holding(HOLD, home) as (process, pid):
        with embedded_server(home) as server:
            note(server.url("postgres"), "confirmed")
        process.kill()
        process.wait()
        assert within(20, lambda: not runs(pid))
    assert within(20, lambda: not guards_of(home))
    with embedded_server(home) as server:
        assert notes(server.url("postgres")) == ["confirmed"]


def test_a_server_left_running_without_user_and_guard_is_taken_over(home: Path) -> None:
    with holding(HOLD, home) as (process, pid):
        for guard in guards_of(home):
            guard.kill()
        process.kill()
        process.wait()
        time.sleep(1)
        assert runs(pid)
        with embedded_server(home) as server:
            assert server.pid == pid
            note(server.url("postgres"), "by the next")
        assert not runs(pid)


def test_a_command_that_comes_while_the_server_stops_starts_it_again(home: Path) -> None:
    with holding(HOLD, home) as (process, pid):
        process.kill()
        process.wait()
        os.kill(pid, signal.SIGINT)
        with embedded_server(home) as server:
            assert server.pid != pid
            note(server.url("postgres"), "again")


def test_a_killed_server_recovers_what_it_had_confirmed(home: Path) -> None:
    with embedded_server(home) as server:
        for number in range(20):
            note(server.url("postgres"), str(number))
        os.kill(server.pid, signal.SIGKILL)
        assert within(20, lambda: not runs(server.pid))
    lock = home / "postgres-18" / "data" / "postmaster.pid"
    assert lock.exists()
    with embedded_server(home) as server:
        assert notes(server.url("postgres")) == [str(number) for number in range(20)]


def test_a_lock_file_that_names_a_foreign_process_stops_nobody(home: Path) -> None:
    with embedded_server(home) as server:
        os.kill(server.pid, signal.SIGKILL)
        assert within(20, lambda: not runs(server.pid))
    lock = home / "postgres-18" / "data" / "postmaster.pid"
    lines = lock.read_text().splitlines()
    with subprocess.Popen(["sleep", "20"]) as foreign:
        try:
            lock.write_text("\n".join([str(foreign.pid), *lines[1:]]) + "\n")
            with embedded_server(home) as server:
                assert server.pid != foreign.pid
            assert foreign.poll() is None
        finally:
            foreign.kill()


def test_a_command_killed_while_it_makes_the_database_leaves_no_half(home: Path) -> None:
    half = home / "postgres-18" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with embedded_server(home) as server:
        note(server.url("postgres"), "whole")
    assert not half.exists()


@pytest.mark.parametrize("name", ["with blanks", "数据 it's", "deep/" * 30])
def test_any_folder_will_do(home: Path, name: str) -> None:
    with embedded_server(home / name) as server:
        note(server.url("postgres"), "here")
        assert notes(server.url("postgres")) == ["here"]
        assert len(os.fsencode(server.sockets / embedded.SOCKET_NAME)) <= embedded.LONGEST_SOCKET
    if server.sockets.is_relative_to("/tmp") and not server.sockets.is_relative_to(home):
        assert not server.sockets.exists()


def test_a_socket_folder_that_somebody_else_prepared_is_refused(home: Path) -> None:
    deep = home / ("deep/" * 30)
    with embedded_server(deep) as server:
        pass
    server.sockets.mkdir(mode=0o777)
    server.sockets.chmod(0o777)
    try:
        with pytest.raises(PostgresError, match="only you can write"), embedded_server(deep):
            pass
    finally:
        shutil.rmtree(server.sockets, ignore_errors=True)


def test_a_home_that_cannot_be_made_is_a_clear_error(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(NotADirectoryError), embedded_server(home / "file" / "below"):
        pass


WAYS: list[Callable[[], Launcher]] = [choose_launcher]
if IS_ROOT:
    WAYS.append(account_launcher)


@pytest.mark.parametrize("way", WAYS)
def test_root_and_others_get_a_server_and_no_folder_changes_hands(
    home: Path, way: Callable[[], Launcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="ct-shared-") as folder:
        Path(folder).chmod(0o755)
        for module in (launch, embedded):
            monkeypatch.setattr(module, "SHARED", Path(folder) / "casetrail")
        before = [(path, path.stat().st_mode, path.stat().st_uid) for path in (home, *home.parents)]
        for _ in range(2):
            with embedded_server(home, launcher=way()) as server:
                note(server.url("postgres"), "x")
                assert (
                    psutil.Process(server.pid).uids().real == (way().account or (os.getuid(),))[0]
                )
        with embedded_server(home, launcher=way()) as server:
            assert notes(server.url("postgres")) == ["x", "x"]
        after = [(path, path.stat().st_mode, path.stat().st_uid) for path in (home, *home.parents)]
        assert after == before
        assert not runs(server.pid)


if IS_ROOT:

    def test_an_install_that_the_account_may_not_read_is_copied(
        home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hidden = home / "hidden"
        hidden.mkdir(mode=0o700)
        install = launch.install_of(18)
        for part in (Path(launch.WHEEL) / install.name, Path(f"{launch.WHEEL}.libs")):
            shutil.copytree(install.parents[1] / part, hidden / part, symlinks=True)
        moved = hidden / launch.WHEEL / install.name

        def install_of(_version: int) -> Path:
            return moved

        monkeypatch.setattr(launch, "install_of", install_of)
        with tempfile.TemporaryDirectory(prefix="ct-shared-") as folder:
            Path(folder).chmod(0o755)
            for module in (launch, embedded):
                monkeypatch.setattr(module, "SHARED", Path(folder) / "casetrail")
            with embedded_server(home, launcher=account_launcher()) as server:
                note(server.url("postgres"), "from the copy")
                assert Path(psutil.Process(server.pid).exe()).is_relative_to(folder)
            assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
