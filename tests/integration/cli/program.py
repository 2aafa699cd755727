"""The program as a process, on a database of its own, and messages for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.support.forked import run_program

CASETRAIL = Path(sys.executable).with_name("casetrail")
AGENT = {"kind": "person", "id": "li", "role": "agent"}
ERP = {"kind": "system", "id": "erp", "role": "service"}
LONG_AGO = "2026-01-02T03:04:05+08:00"


@dataclass(frozen=True)
class Program:
    """url: of the database. home: for its keys."""

    url: str
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("CASETRAIL_")}
        return kept | {"CASETRAIL_DATABASE_URL": self.url, "CASETRAIL_HOME": str(self.home)}

    def start(self, *words: str | Path, lang: str = "en") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [CASETRAIL, *words, "--lang", lang],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )

    def run(self, *words: str | Path, status: int = 0, lang: str = "en") -> tuple[str, str]:
        """What a command wrote to stdout and stderr; it must end with that status."""
        done = run_program([*words, "--lang", lang], self.environment)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return done.stdout, done.stderr

    def json(self, *words: str | Path, status: int = 0) -> Any:
        out, err = self.run(*words, "--json", status=status)
        assert out, err
        return json.loads(out)

    def count(self) -> int:
        """How many events the log has."""
        with psycopg.connect(self.url) as conn:
            row = conn.execute("SELECT count(*) FROM stored_events").fetchone()
        assert row is not None
        return int(row[0])

    def log(self) -> list[tuple[Any, ...]]:
        """Every event but for its times of recording, in order."""
        with psycopg.connect(self.url) as conn:
            return conn.execute(
                "SELECT originator_id, originator_version, topic,"
                " convert_from(state, 'UTF8')::jsonb -> 's' ->> 'id'"
                " FROM stored_events ORDER BY originator_id, originator_version"
            ).fetchall()


def message(
    type_: str,
    id_: str,
    data: Mapping[str, Any],
    *,
    at: str | None = None,
    by: Mapping[str, str] = AGENT,
) -> dict[str, Any]:
    told = {"type": type_, "id": id_, "actor": dict(by), "data": dict(data)}
    return told if at is None else told | {"occurred_at": at}


def order(number: str, price: str = "100.00", lines: int = 1) -> dict[str, Any]:
    described = [
        {
            "line": f"L{n}",
            "product": "P1",
            "category": "cups",
            "supplier": "S1",
            "quantity": 2,
            "price": {"amount": price, "currency": "CNY"},
        }
        for n in range(1, lines + 1)
    ]
    data = {"order_id": f"douyin:s1:{number}", "currency": "CNY", "lines": described}
    return message("order.record_order", f"order-{number}", data, at=LONG_AGO, by=ERP)


def complaint(case: str, number: str, at: str = LONG_AGO, text: str = "碎了") -> dict[str, Any]:
    data = {
        "case_id": f"douyin:s1:{case}",
        "order_id": f"douyin:s1:{number}",
        "channel": "im",
        "stage": "delivered",
        "items": [{"line": "L1", "quantity": 1, "problem": "damaged"}],
        "private": {"text": text, "buyer": f"buyer-{number}", "contact": "13800000000"},
    }
    return message("case.file_complaint", f"complaint-{case}", data, at=at)


def contact(case: str, id_: str) -> dict[str, Any]:
    data = {
        "case_id": f"douyin:s1:{case}",
        "direction": "to_buyer",
        "contact": "message",
        "channel": "im",
    }
    return message("case.record_contact", id_, data)


def proposal(case: str, id_: str, amount: str, currency: str = "CNY") -> dict[str, Any]:
    money = {"amount": amount, "currency": currency}
    amounts = [{"line": "L1", "money": money}]
    parts = [{"resolution": "refund_partial", "items": [1], "amounts": amounts}]
    data = {"case_id": f"douyin:s1:{case}", "proposal_id": id_, "parts": parts}
    return message("case.propose_resolution", f"{case}-{id_}", data)


def on_case(type_: str, case: str, id_: str, **data: Any) -> dict[str, Any]:
    return message(type_, id_, {"case_id": f"douyin:s1:{case}", **data})


def write(file: Path, messages: Iterable[Mapping[str, Any] | bytes]) -> Path:
    """The messages as a file of JSON Lines; bytes as they are."""
    with file.open("wb") as out:
        for told in messages:
            raw = told if isinstance(told, bytes) else json.dumps(told, ensure_ascii=False).encode()
            out.write(raw + b"\n")
    return file


def refused(file: Path) -> list[dict[str, Any]]:
    """What the run wrote beside the file."""
    path = file.with_name(file.name + ".refused.jsonl")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
