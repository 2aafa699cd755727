"""Personal data: sealed before it is stored, opened lazily, forgotten without a trace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from domain import decider
from domain.case.commands import AddNote, FileComplaint
from domain.case.events import NoteAdded
from domain.kernel import Command, Context, Emit, Private
from domain.request import Request
from domain.world import World
from infra.vault import Erased, Vault, VaultError, read_master_key
from tests.integration.pipeline.test_answers import Domain
from tests.support.store import AGENT, LONG_AGO, Store, ask, open_store

CASE = "douyin:s1:AS1"


@pytest.fixture
def store(database_url: str) -> Generator[Store]:
    with open_store(database_url) as opened:
        yield opened


def complain(case_id: str, message_id: str, **private: str) -> Request:
    command = FileComplaint.model_validate(
        {
            "case_id": case_id,
            "channel": "im",
            "items": [{"line": "1", "quantity": 1, "problem": "damaged"}],
            "private": private or None,
        }
    )
    return ask(command, message_id, by=AGENT, occurred_at=LONG_AGO)


def note(case_id: str, message_id: str, text: str) -> Request:
    return ask(AddNote(case_id=case_id, private=Private(text=text)), message_id, by=AGENT)


def opened(store: Store, stream: str) -> list[Private | Erased]:
    return list(store.vault.open(store.log.load(stream)).values())


def stored_bytes(url: str) -> bytes:
    with psycopg.connect(url) as conn:
        rows = conn.execute("SELECT state FROM stored_events ORDER BY notification_id").fetchall()
    return b"".join(row[0] for row in rows)


def test_no_personal_word_reaches_the_disk_unencrypted_and_its_owner_reads_it(
    store: Store, database_url: str
) -> None:
    (answer,) = store.pipeline.submit(
        [complain(CASE, "m1", text="Bildschirm kaputt", buyer="Wang Fang", contact="13800138000")]
    )
    assert answer.accepted, answer
    stored = stored_bytes(database_url)
    assert b"kaputt" not in stored
    assert b"Wang" not in stored
    assert b"13800138000" not in stored
    (private,) = opened(store, f"case:{CASE}")
    assert private == Private(text="Bildschirm kaputt", buyer="Wang Fang", contact="13800138000")


def test_a_buyer_has_one_pseudonym_in_a_shop_and_another_in_the_next(store: Store) -> None:
    name = store.vault.pseudonym("douyin", "s1", "Wang Fang")
    assert name == store.vault.pseudonym("douyin", "s1", "Wang Fang")
    assert name != store.vault.pseudonym("douyin", "s2", "Wang Fang")
    assert name != Vault(store.datastore, bytes(32)).pseudonym("douyin", "s1", "Wang Fang")


def test_forgetting_a_buyer_leaves_every_stored_byte_and_the_rest_of_the_case(
    store: Store, database_url: str
) -> None:
    store.pipeline.submit(
        [
            complain(CASE, "m1", text="broken", buyer="Wang Fang"),
            complain("douyin:s1:AS2", "m2", text="lost", buyer="Li Na"),
            note(CASE, "m3", "she is angry"),
        ]
    )
    before = stored_bytes(database_url)
    state = store.log.load(f"case:{CASE}")
    assert store.vault.forget(store.vault.pseudonym("douyin", "s1", "Wang Fang")) == 1
    assert stored_bytes(database_url) == before
    assert store.log.load(f"case:{CASE}") == state
    assert all(isinstance(private, Erased) for private in opened(store, f"case:{CASE}"))
    assert opened(store, "case:douyin:s1:AS2") == [Private(text="lost", buyer="Li Na")]


def test_what_was_told_before_the_buyer_was_known_is_forgotten_with_the_buyer(
    database_url: str,
) -> None:
    def decide(command: Command, world: World, context: Context) -> list[Emit]:
        if isinstance(command, AddNote):
            world.case(command.case_id)
            return [Emit(f"case:{CASE}", NoteAdded(private=command.private))]
        return decider.decide(command, world, context)

    with open_store(database_url, domain=Domain(decide=decide)) as store:
        store.pipeline.submit([note(CASE, "m1", "a voice without a name")])
        store.pipeline.submit([complain(CASE, "m2", text="broken", buyer="A")])
        assert Private(text="a voice without a name") in opened(store, f"case:{CASE}")
        assert store.vault.forget(store.vault.pseudonym("douyin", "s1", "A")) == 2
        assert all(isinstance(private, Erased) for private in opened(store, f"case:{CASE}"))


def test_two_names_of_one_person_are_forgotten_together(store: Store) -> None:
    store.pipeline.submit(
        [complain(CASE, "m1", text="a", buyer="A"), complain("douyin:s1:AS2", "m2", buyer="B")]
    )
    one, other = (store.vault.pseudonym("douyin", "s1", name) for name in "AB")
    store.vault.merge(one, other)
    assert store.vault.forget(one) == 2
    assert store.vault.forget(other) == 0


def test_a_buyer_forgotten_elsewhere_gets_a_new_key_for_what_comes_after(
    store: Store, database_url: str
) -> None:
    store.pipeline.submit([complain(CASE, "m1", text="old", buyer="A")])
    with open_store(database_url) as elsewhere:
        elsewhere.vault.forget(elsewhere.vault.pseudonym("douyin", "s1", "A"))
    (answer,) = store.pipeline.submit([note(CASE, "m2", "new")])
    assert answer.accepted
    old, new = opened(store, f"case:{CASE}")
    assert isinstance(old, Erased)
    assert new == Private(text="new")


def test_sealed_data_opens_only_where_it_was_stored(store: Store) -> None:
    store.pipeline.submit([complain(CASE, "m1", text="a"), note(CASE, "m2", "b")])
    first = store.log.load(f"case:{CASE}")[0]
    moved = (
        replace(first, stream="case:douyin:s1:AS9"),
        replace(first, stamp=replace(first.stamp, version=2)),
        replace(first, stored_topic="case.note_added.v1"),
    )
    for record in moved:
        with pytest.raises(VaultError, match="altered or moved"):
            store.vault.open([record])


def test_a_database_accepts_only_the_master_key_it_began_with(
    store: Store, database_url: str
) -> None:
    store.pipeline.submit([complain(CASE, "m1", text="a")])
    with (
        open_store(database_url, master_key=bytes(32)) as other,
        pytest.raises(VaultError, match="another master key"),
    ):
        other.pipeline.submit([note(CASE, "m2", "b")])
    assert len(store.log.load(f"case:{CASE}")) >= 1


def test_two_processes_that_need_a_key_for_one_person_share_it(
    database_url: str, store: Store
) -> None:
    script = """
import sys
from tests.integration.pipeline.test_personal_data import complain
from tests.support.store import open_store
with open_store(sys.argv[1]) as store:
    for n in range(30):
        name = f"{sys.argv[2]}{n}"
        store.pipeline.submit([complain(f"douyin:s1:{name}", name, text=name, buyer=f"B{n}")])
"""
    run = [sys.executable, "-c", script, database_url]
    processes = [subprocess.Popen([*run, name]) for name in ("x", "y")]
    assert [process.wait(60) for process in processes] == [0, 0]
    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM subject_keys").fetchone() == (30,)
    private = store.vault.open(store.log.tail(0, 1000)).values()
    assert sum(isinstance(p, Private) for p in private) == 60


def test_keys_given_up_in_memory_are_found_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.vault.MOST_KEYS", 3)
    for n in (*range(5), *range(5)):
        (key,) = [store.vault.keys_for([f"buyer:{n}"])[f"buyer:{n}"]]
        again = store.vault.keys_for([f"buyer:{n}", f"buyer:{n + 1}"])
        assert again[f"buyer:{n}"].id == key.id
        assert len(again) <= 3


def test_the_master_key_file_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    key = read_master_key(file)
    assert len(key) == 32
    assert read_master_key(file) == key
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("not a key")
    with pytest.raises(VaultError, match="holds no key"):
        read_master_key(file)
