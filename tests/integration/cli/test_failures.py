"""What goes wrong below a command reaches whoever called it as one sentence."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from infra.postgres import Server
from tests.databases import fresh_database
from tests.integration.cli.killing import many
from tests.integration.cli.program import Program, complaint, order, write
from tests.support.proxy import faulty_proxy

BEAMED, BROKEN = "douyin:s1:A1", "douyin:s1:A2"


@pytest.fixture(scope="module")
def later(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Program]:
    """A log with an event of a later version, and one whose bytes are not what its topic says."""
    folder = tmp_path_factory.mktemp("later")
    with fresh_database(postgres_server) as database:
        program = Program(database.url, folder / "home")
        write_later(program, folder)
        yield program


def write_later(program: Program, folder: Path) -> None:
    told = [order("O1"), complaint("A1", "O1"), order("O2"), complaint("A2", "O2")]
    program.run("submit", write(folder / "in.jsonl", told))
    add_event(program, f"case:{BEAMED}", "case.beamed.v9", b"{}")
    add_event(program, f"case:{BROKEN}", "case.closed.v1", b"{}")


def add_event(program: Program, stream: str, topic: str, state: bytes) -> None:
    with psycopg.connect(program.url) as conn:
        conn.execute(
            "INSERT INTO stored_events SELECT"
            " (SELECT max(notification_id) + 1 FROM stored_events), max(originator_version) + 1,"
            " clock_timestamp(), min(kind), originator_id, %s, %s FROM stored_events"
            " WHERE originator_id = %s GROUP BY originator_id",
            (topic, state, stream),
        )


@pytest.mark.parametrize("command", ["show", "history"])
@pytest.mark.parametrize(
    ("case", "lang", "words"),
    [
        (BEAMED, "en", "an event case.beamed.v9, which this version does not know"),
        (BEAMED, "zh", "本版本不认识的事件 case.beamed.v9；请使用写入它的版本或更新的版本"),
        (BROKEN, "en", "an event that cannot be read: case.closed.v1"),
        (BROKEN, "zh", "日志中有无法读取的事件：case.closed.v1"),
        ("douyin:s1:NONE", "en", "There is no case douyin:s1:NONE."),
        ("douyin:s1:NONE", "zh", "没有售后单 douyin:s1:NONE"),
    ],
)
def test_a_case_that_cannot_be_replayed_is_one_sentence(
    later: Program, command: str, case: str, lang: str, words: str
) -> None:
    out, err = later.run("case", command, case, status=1, lang=lang)
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_a_log_that_cannot_be_followed_is_told_in_sentences_and_in_full_only_when_debugging(
    program: Program, tmp_path: Path, options: tuple[str, ...]
) -> None:
    write_later(program, tmp_path)
    _, err = program.run("queue", *options, lang="zh")
    assert ("本版本不认识的事件 case.beamed.v9" in err) == (not options)
    assert ("Traceback" in err) == bool(options)
    assert "有 2 个流被搁置" in err


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "The database is not available"), ("zh", "数据库暂时不可用")]
)
def test_a_submit_whose_database_goes_away_says_how_far_it_came_and_goes_on_when_run_again(
    program: Program, tmp_path: Path, lang: str, words: str
) -> None:
    file = write(tmp_path / "in.jsonl", many(1_000))
    with faulty_proxy(program.url) as proxy:
        through = Program(proxy.url, program.home)
        with through.start("submit", file, lang=lang) as process:
            while not program.count() and process.poll() is None:
                time.sleep(0.01)
            proxy.refuses = True
            _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert words in err
    assert "Traceback" not in err
    accepted = program.count()
    assert accepted
    counts = program.json("submit", file, status=1)
    assert counts["lines"] == len(file.read_text().splitlines())
    assert counts["repeated"] > 0
    assert program.count() > accepted
