"""Personal data, encrypted for each person, so that destroying a key forgets the person."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Cursor
from psycopg.rows import tuple_row

from domain.kernel import Model, Private, Sealed
from infra.event_store import LogDatastore, Recorded
from infra.failure import Failure
from infra.postgres import load_statements

SQL = load_statements(Path(__file__).with_name("vault.sql"))

MOST_KEYS = 20_000
"""Keys held in memory at a time; an import meets a million buyers."""

_NONCE = 12  # bytes, as NIST SP 800-38D recommends for GCM


class VaultError(Failure):
    """The master key is missing, not a key, or not the one this database was written with."""


class Erased(Model):
    """What is left of personal data whose key was destroyed."""

    key: str


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """A subject's key in use. id: what `Sealed.key` will name."""

    id: str
    cipher: AESGCM


def read_master_key(file: Path) -> bytes:
    """The 32 bytes in `file` (base64), made and written (mode 0600) where there is no file.

    Raises VaultError if the file holds something else. Losing it is losing all personal data.
    """
    if not file.exists():
        _make_master_key(file)
    try:
        key = b64decode(file.read_bytes().strip(), validate=True)
    except OSError as e:
        raise VaultError(
            "The master key file {file} cannot be read: {reason}", file=file, reason=e
        ) from e
    except ValueError:
        key = b""
    if len(key) != 32:
        raise VaultError(
            "The master key file {file} holds no key of 32 bytes in base64.", file=file
        )
    return key


def _make_master_key(file: Path) -> None:
    """Write a key elsewhere and link it here, whole or not at all; the first of several wins."""
    made, name = tempfile.mkstemp(dir=file.parent)  # mode 0600
    try:
        with open(made, "wb") as new:
            new.write(b64encode(secrets.token_bytes(32)) + b"\n")
            new.flush()
            os.fsync(new.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, file)
    finally:
        os.unlink(name)


class Vault:
    """Seals and opens personal data; names buyers and commands by keyed hashes.

    Subjects are a buyer's pseudonym or the name of a stream. Thread-safe but for `keys_for`
    and `drop_keys`, which only the pipeline's leading thread calls.
    """

    def __init__(self, datastore: LogDatastore, master_key: bytes) -> None:
        self._datastore = datastore
        self._wrap = AESGCM(_derive(master_key, "wrap"))
        self._pseudonyms = _derive(master_key, "pseudonym")
        self._digests = _derive(master_key, "digest")
        self._fingerprint = _derive(master_key, "fingerprint")
        self._live: dict[str, SubjectKey] = {}
        self._checked = False

    # -------------------------------------------------------------- keyed hashes

    def pseudonym(self, platform: str, shop: str, reference: str) -> str:
        """The same name for the same buyer of a shop, from which nobody learns the buyer."""
        name = f"{platform}\0{shop}\0{reference}".encode()
        return "buyer:" + hashlib.blake2b(name, key=self._pseudonyms, digest_size=16).hexdigest()

    def digest(self, content: bytes) -> bytes:
        """32 bytes by which content is recognised, and not guessed from."""
        return hashlib.blake2b(content, key=self._digests, digest_size=32).digest()

    # -------------------------------------------------------------------- sealing

    def keys_for(self, subjects: Iterable[str]) -> Mapping[str, SubjectKey]:
        """A live key for each subject, created in a transaction of its own where there is none.

        That transaction need not wait for the disk: the events sealed with the keys commit
        later in the same write-ahead log, so no event can outlive its key in a crash.
        """
        wanted = set(subjects)
        missing = wanted - self._live.keys()
        if len(self._live) + len(missing) > MOST_KEYS:
            self._live.clear()
            missing = wanted
        if missing:
            self._load_or_create(sorted(missing))
        return self._live

    def drop_keys(self) -> None:
        """Forget the keys held in memory: one of them was destroyed."""
        self._live.clear()

    def _load_or_create(self, subjects: Sequence[str]) -> None:
        new = [(str(uuid4()), AESGCM.generate_key(256)) for _ in subjects]
        with (
            self._datastore.connection() as conn,
            conn.transaction(),
            conn.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            cursor.execute("SET LOCAL synchronous_commit = off")
            self._check_master_key(cursor)
            cursor.execute(
                SQL["insert_keys"],
                {
                    "key_ids": [key_id for key_id, _ in new],
                    "subjects": list(subjects),
                    "wrapped": [self._wrapped(key_id, key) for key_id, key in new],
                },
            )
            cursor.execute(SQL["select_live_keys"], {"subjects": list(subjects)})
            rows = cursor.fetchall()
        for subject, key_id, wrapped in rows:
            self._live[subject] = SubjectKey(key_id, AESGCM(self._unwrapped(key_id, wrapped)))

    def _check_master_key(self, cursor: Cursor[Any]) -> None:
        if self._checked:
            return
        cursor.execute(SQL["claim_master_key"], {"fingerprint": self._fingerprint})
        cursor.execute(SQL["select_master_key"])
        if cursor.fetchall() != [(self._fingerprint,)]:
            raise VaultError(
                "This database's personal data is under another master key; use the master.key "
                "of the home that first wrote to it."
            )
        self._checked = True

    @staticmethod
    def seal(private: Private, key: SubjectKey, stream: str, version: int, topic: str) -> Sealed:
        """Encrypted, and bound to its place in the log: it opens nowhere else."""
        nonce = secrets.token_bytes(_NONCE)
        text = private.model_dump_json(exclude_none=True).encode()
        box = key.cipher.encrypt(nonce, text, _place(stream, version, topic))
        return Sealed(key=key.id, box=b64encode(nonce + box).decode())

    @staticmethod
    def seal_bytes(content: bytes, key: SubjectKey, place: str) -> bytes:
        """Encrypted, and bound to its place; for what is kept outside the log."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + key.cipher.encrypt(nonce, content, place.encode())

    @staticmethod
    def check_keys(cursor: Cursor[Any], key_ids: Sequence[str]) -> None:
        """Add the statement that raises CT002 when one of the keys was destroyed meanwhile."""
        cursor.execute(SQL["check_keys"], {"key_ids": list(key_ids)})

    # -------------------------------------------------------------------- opening

    def open(self, records: Iterable[Recorded]) -> dict[int, Private | Erased]:
        """The personal data of these events by position; events without any are left out.

        Keys are read anew each time, so that what was forgotten elsewhere stays closed here.
        Raises VaultError when a box was altered or moved.
        """
        boxes = [(record, sealed) for record in records if (sealed := record.sealed) is not None]
        if not boxes:
            return {}
        ciphers = self._ciphers(sorted({sealed.key for _, sealed in boxes}))
        return {
            record.position: unseal(record, sealed, ciphers.get(sealed.key))
            for record, sealed in boxes
        }

    def open_bytes(self, box: bytes, key_id: str, place: str) -> bytes | None:
        """What `seal_bytes` sealed; None once its key was destroyed. Raises VaultError when the
        box was altered or moved."""
        cipher = self._ciphers([key_id]).get(key_id)
        if cipher is None:
            return None
        try:
            return cipher.decrypt(box[:_NONCE], box[_NONCE:], place.encode())
        except InvalidTag as e:
            raise VaultError("What was sealed at {place} was altered or moved.", place=place) from e

    def _ciphers(self, key_ids: Sequence[str]) -> dict[str, AESGCM]:
        """Those of the keys that were not destroyed, by id."""
        with (
            self._datastore.connection() as conn,
            conn.cursor(row_factory=tuple_row, binary=True) as cursor,
        ):
            self._check_master_key(cursor)
            cursor.execute(SQL["select_keys"], {"key_ids": list(key_ids)})
            return {
                key_id: AESGCM(self._unwrapped(key_id, wrapped))
                for key_id, wrapped in cursor.fetchall()
                if wrapped is not None
            }

    # ------------------------------------------------------------------ forgetting

    def forget(self, subject: str) -> int:
        """Destroy every key of a subject and of what turned out to be part of it; how many.

        Not one stored byte of the log changes. Raises nothing for an unknown subject: 0.
        """
        with self._datastore.connection() as conn:
            destroyed: int = conn.execute(SQL["destroy_keys"], {"subject": subject}).rowcount
        return destroyed

    def merge(self, one: str, other: str) -> None:
        """Two subjects are one person: forgetting either forgets both."""
        with self._datastore.connection() as conn, conn.cursor() as cursor:
            self.link(cursor, [(one, other), (other, one)])

    @staticmethod
    def link(cursor: Cursor[Any], links: Sequence[tuple[str, str]]) -> None:
        """Add the statement that says (subject, part of whom): forgetting the latter forgets
        the former."""
        cursor.execute(
            SQL["insert_links"],
            {"subjects": [a for a, _ in links], "parts_of": [b for _, b in links]},
        )

    def _wrapped(self, key_id: str, key: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._wrap.encrypt(nonce, key, UUID(key_id).bytes)

    def _unwrapped(self, key_id: str, wrapped: bytes) -> bytes:
        try:
            return self._wrap.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], UUID(key_id).bytes)
        except InvalidTag as e:
            raise VaultError("The key {key} is not wrapped by this master key.", key=key_id) from e


def unseal(record: Recorded, sealed: Sealed, cipher: AESGCM | None) -> Private | Erased:
    """One event's personal data. cipher: of the key that `sealed` names, None if destroyed.
    Raises VaultError when the box was altered or moved."""
    if cipher is None:
        return Erased(key=sealed.key)
    box = b64decode(sealed.box)
    place = _place(record.stream, record.stamp.version, record.stored_topic)
    try:
        return Private.model_validate_json(cipher.decrypt(box[:_NONCE], box[_NONCE:], place))
    except InvalidTag as e:
        raise VaultError(
            "The personal data at position {position} was altered or moved.",
            position=record.position,
        ) from e


def _place(stream: str, version: int, topic: str) -> bytes:
    return f"{stream}\0{version}\0{topic}".encode()


def _derive(master_key: bytes, purpose: str) -> bytes:
    return hashlib.blake2b(
        purpose.encode(), key=master_key, digest_size=32, person=b"casetrail"
    ).digest()
