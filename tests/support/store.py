"""The event store and the pipeline on a test's database, and requests to give it."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain import decider
from domain.budget.commands import SetBudget
from domain.kernel import Actor, ActorKind, Command, Private, Role
from domain.order.commands import RecordOrder, RecordShipment
from domain.policy.commands import PublishPolicy
from domain.product.commands import RegisterProduct
from domain.request import Request
from domain.supplier.commands import RegisterSupplier
from infra.event_store import Envelope, EventLog, LogDatastore, event_id
from infra.pipeline import Pipeline
from infra.pipeline.batch import Decider
from infra.vault import Vault

MASTER_KEY = bytes(range(32))
LONG_AGO = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
ERP = Actor(kind=ActorKind.SYSTEM, id="erp", role=Role.SERVICE)
BOSS = Actor(kind=ActorKind.PERSON, id="wang", role=Role.SUPERVISOR)
AGENT = Actor(kind=ActorKind.PERSON, id="li", role=Role.AGENT)


@dataclass(frozen=True)
class Store:
    """One process's way to a database."""

    datastore: LogDatastore
    log: EventLog
    vault: Vault
    pipeline: Pipeline


@contextlib.contextmanager
def open_store(
    url: str,
    *,
    domain: Decider = decider,
    master_key: bytes = MASTER_KEY,
    cache_bytes: int = 64 * 1024 * 1024,
) -> Generator[Store]:
    datastore = LogDatastore(url)
    vault = Vault(datastore, master_key)
    log = EventLog(datastore)
    try:
        yield Store(datastore, log, vault, Pipeline(datastore, vault, domain, cache_bytes))
    finally:
        log.close()


def ask(
    command: Command,
    message_id: str,
    *,
    by: Actor = BOSS,
    source: str = "test",
    occurred_at: datetime | None = None,
    **more: Any,
) -> Request:
    return Request(source, message_id, command, by, occurred_at, **more)


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def set_budget(
    limit: str, message_id: str, *, day: str = "2026-01-05", by: Actor = BOSS, source: str = "test"
) -> Request:
    command = SetBudget.model_validate(
        {"platform": "douyin", "shop": "s1", "day": day, "limit": yuan(limit)}
    )
    return ask(command, message_id, by=by, source=source)


def register_supplier(name: str, message_id: str, *, hours: int = 72) -> Request:
    return ask(RegisterSupplier(supplier=name, appraisal_hours=hours), message_id)


def register_product(name: str, message_id: str, *, by: Actor = BOSS) -> Request:
    return ask(
        RegisterProduct(product=name, name=f"Product {name}", category="c"), message_id, by=by
    )


def publish_window(days: int, message_id: str) -> Request:
    command = PublishPolicy.model_validate(
        {
            "platform": "douyin",
            "shop": "s1",
            "document": {"kind": "window", "after_sales_days": days},
        }
    )
    return ask(command, message_id)


def place_order(number: int, *, quantity: int = 2) -> Request:
    command = RecordOrder.model_validate(
        {
            "order_id": f"douyin:s1:O{number}",
            "currency": "CNY",
            "lines": [
                {
                    "line": "1",
                    "product": "P1",
                    "category": "shoes",
                    "supplier": "S1",
                    "quantity": quantity,
                    "price": yuan("20.00"),
                }
            ],
        }
    )
    return ask(command, f"order-{number}", by=ERP, source="file:orders", occurred_at=LONG_AGO)


def ship_order(number: int, parcel: str = "p1") -> Request:
    command = RecordShipment(order_id=f"douyin:s1:O{number}", shipment_id=parcel, units={"1": 1})
    return ask(
        command,
        f"ship-{number}-{parcel}",
        by=ERP,
        source="file:orders",
        occurred_at=LONG_AGO + timedelta(days=1),
    )


def envelope(message_id: str = "m1", index: int = 0, **changes: Any) -> Envelope:
    fields: dict[str, Any] = {
        "event_id": event_id("test", message_id, index),
        "occurred_at": LONG_AGO,
        "decided_at": LONG_AGO,
        "actor": ERP,
        "causation_id": None,
        "correlation_id": None,
        "source": "test",
        "message_id": message_id,
        "origin": "test:1",
    }
    return Envelope(**{**fields, **changes})


def words(text: str) -> Private:
    return Private(text=text)
