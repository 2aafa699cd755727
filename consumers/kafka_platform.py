"""The topic `platform-aftersales`: after-sales as the platforms themselves tell them.

A record is one after-sale as it stands after an update: JSON in the platform's own field names,
keyed by its after-sale number, the platform named by the header `platform` or by a field of that
name. An adapter for each platform reads it; what follows is the same for all: a complaint, and
facts, each under an id made of the after-sale's number and of what it says, so that the same
message again, or a later one that repeats it, adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Final, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema

from consumers.kafka_record import WAY_IN, Record, origin
from consumers.mappings.after_sale import CURRENCY, problem_of
from domain.case.commands import (
    AgreeReturnAddress,
    CaseCommandBase,
    FileComplaint,
    ItemShares,
    LineMoney,
    RecordIntervention,
    RecordPlatformDeadline,
    RecordPlatformStatus,
    RecordRefundFailed,
    RecordRefundSucceeded,
    RecordReturnShipped,
    RecordRuling,
)
from domain.case.values import Channel, ItemClaim, Party, RulingFor, Share, Stage
from domain.kernel import Actor, ActorKind, Ident, Platform, Private, Role
from domain.money import Money, apportion, exponent
from domain.request import Malformed, Request, malformed, parse_object
from domain.sla.events import ClockName

# ------------------------------------------------------------- what platforms write


class Told(BaseModel):
    """Base of what is read of a platform's message; what it says beside is passed over, and so is
    null, which platforms write for nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = cast("dict[str, Any]", value)
        return {name: told for name, told in fields.items() if told is not None}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """A field that may be left out may be null."""
        made = handler(schema)
        form = handler.resolve_ref_schema(made)
        for name, field in form["properties"].items():
            null: dict[str, Any] = {"type": "null"}
            if name not in form.get("required", ()) and null not in field.get("anyOf", ()):
                form["properties"][name] = {"anyOf": [field, null]}
        return made


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _moment(value: Any, unit: int) -> datetime | None:
    """Of a Unix time in 1/unit seconds; none where a platform writes 0 or nothing."""
    if value in (None, "", 0, "0"):
        return None
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ValueError("a Unix time is expected")
    seconds, rest = divmod(int(value), unit)
    if not _OLDEST < seconds < _LATEST:
        raise ValueError("a Unix time of this century is expected; seconds or milliseconds?")
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1_000_000 // unit)


_OLDEST: Final = 946_684_800
_LATEST: Final = 4_102_444_800
"""2000 and 2100: a time in another unit lies outside."""

Name = Annotated[Ident, BeforeValidator(_as_text, json_schema_input_type=Ident | int)]
"""A number or name; platforms write long numbers as numbers or as text."""
Unix = Annotated[int | str, Field(description="Unix time; 0 or nothing is none.")]
Seconds = Annotated[
    datetime | None,
    BeforeValidator(lambda value: _moment(value, 1), json_schema_input_type=Unix),
]
Milliseconds = Annotated[
    datetime | None,
    BeforeValidator(lambda value: _moment(value, 1000), json_schema_input_type=Unix),
]
Fen = Annotated[int, Field(ge=0, le=10**12)]
"""Hundredths of a yuan."""
Count = Annotated[int, Field(ge=1, le=100_000)]


# --------------------------------------------------------------- what they all mean


@dataclass(frozen=True)
class Item:
    """A line of the order. weight: its share where an amount is told for several."""

    line: str
    quantity: int
    weight: int = 1


@dataclass(frozen=True)
class Deadline:
    """The platform's own, for one of the shop's clocks."""

    clock: ClockName
    due_at: datetime


@dataclass(frozen=True)
class Return:
    """The goods are to come back, or were sent back (shipped_at)."""

    carrier: str | None = None
    tracking: str | None = None
    shipped_at: datetime | None = None


@dataclass(frozen=True)
class Payout:
    """What became of the refund: paid (amount in fen), or not, for that reason."""

    amount: int
    failed: str | None = None


@dataclass(frozen=True)
class Ruling:
    """amount: fen that the shop owes by it. after_return: once the goods are back. shares: of the
    liability, in percent."""

    id: str
    ruled_for: RulingFor
    at: datetime
    amount: int = 0
    after_return: bool = False
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True)
class AfterSale:
    """An after-sale as a platform's message tells it.

    status: the platform's state in words; ended: it regards the after-sale as ended.
    intervened_at: when it was called in.
    """

    platform: Platform
    shop: str
    number: str
    order: str
    items: tuple[Item, ...]
    reason: str
    words: str
    buyer: str | None
    stage: Stage | None
    applied_at: datetime
    updated_at: datetime
    status: str
    ended: bool
    deadline: Deadline | None
    goods_back: Return | None
    intervened_at: datetime | None
    ruling: Ruling | None
    payout: Payout | None

    @property
    def case_id(self) -> str:
        return f"{self.platform}:{self.shop}:{self.number}"


@dataclass(frozen=True)
class Adapter:
    """form: what is read of a platform's message. read: what that means; raises ValidationError,
    or Malformed."""

    form: type[Told]
    read: Callable[[Mapping[str, Any]], AfterSale]


@dataclass(frozen=True)
class PlatformTopic:
    """The topic, with an adapter for each platform."""

    adapters: Mapping[Platform, Adapter]
    name: str = "platform-aftersales"

    def translate(self, record: Record) -> Sequence[Request]:
        """What the after-sale asks for: first the complaint, so that its facts have a case."""
        fields = _fields(record)
        adapter = self.adapters.get(_platform(record, fields))
        if adapter is None:
            raise Malformed("value_unknown", "This platform has no adapter.", "platform")
        try:
            sale = adapter.read(fields)
            asked = list(_asked(sale))
        except ValidationError as e:
            raise malformed(e) from e
        _check_key(record.key, sale)
        return [_request(sale, what, command, at, record) for what, command, at in asked]


def _fields(record: Record) -> Mapping[str, Any]:
    if record.value is None:
        raise Malformed("tombstone", "A record without a value asks for nothing.")
    return parse_object(record.value)


def _platform(record: Record, fields: Mapping[str, Any]) -> Platform:
    headers = {content for name, content in record.headers if name == "platform"}
    named = {(content or b"").decode(errors="replace") for content in headers}
    if "platform" in fields:
        named.add(str(fields["platform"]))
    if not named:
        raise Malformed("field_missing", "The record names no platform.", "platform")
    if len(named) > 1 or not named <= set(Platform):
        raise Malformed("value_unknown", "One known platform is to be named.", "platform")
    return Platform(named.pop())


def _check_key(key: bytes | None, sale: AfterSale) -> None:
    if key is None:
        raise Malformed("key_missing", f"The key is the number: {sale.number}.", "key")
    if key != sale.number.encode():
        raise Malformed("wrong_key", f"The key is the number: {sale.number}.", "key")


# ------------------------------------------------------------ what is asked for it

_Asked = tuple[str, CaseCommandBase, datetime]


def _asked(sale: AfterSale) -> Iterator[_Asked]:
    """In the order in which it can have happened."""
    case_id, at = sale.case_id, sale.updated_at
    yield "complaint", _complaint(sale), sale.applied_at
    if sale.deadline is not None:
        clock, due_at = sale.deadline.clock.value, sale.deadline.due_at
        told = {"case_id": case_id, "clock": clock, "due_at": due_at}
        yield "deadline", RecordPlatformDeadline.model_validate(told), at
    if sale.intervened_at is not None:
        called = RecordIntervention(case_id=case_id, called_by=Party.BUYER)
        yield "intervention", called, sale.intervened_at
    if sale.ruling is not None:
        yield "ruling", _ruled(sale, sale.ruling), sale.ruling.at
    yield from _goods_back(sale)
    if sale.payout is not None:
        yield "refund", _paid(sale, sale.payout), at
    yield (
        "status",
        RecordPlatformStatus(case_id=case_id, status=sale.status, ended=sale.ended),
        at,
    )


def _complaint(sale: AfterSale) -> FileComplaint:
    problem = problem_of(sale.reason)
    words = " ".join(filter(None, (sale.reason, sale.words)))
    return FileComplaint(
        case_id=sale.case_id,
        order_id=f"{sale.platform}:{sale.shop}:{sale.order}",
        channel=Channel.PLATFORM,
        stage=sale.stage,
        items=tuple(
            ItemClaim(line=item.line, quantity=item.quantity, problem=problem)
            for item in sale.items
        ),
        private=Private(text=words or None, buyer=sale.buyer),
    )


def _goods_back(sale: AfterSale) -> Iterator[_Asked]:
    back = sale.goods_back
    if back is None:
        return
    return_id = f"R{sale.number}"
    shipped_at = back.shipped_at or sale.updated_at
    agreed = AgreeReturnAddress(
        case_id=sale.case_id,
        return_id=return_id,
        items=tuple(range(1, len(sale.items) + 1)),
        packaging_asked_for=False,
    )
    yield "return_agreed", agreed, shipped_at
    if back.shipped_at is not None:
        shipped = RecordReturnShipped(
            case_id=sale.case_id,
            return_id=return_id,
            carrier=back.carrier or None,
            tracking=back.tracking or None,
            proof_of_posting=True,
        )
        yield "return_shipped", shipped, shipped_at


def _ruled(sale: AfterSale, ruling: Ruling) -> RecordRuling:
    return RecordRuling(
        case_id=sale.case_id,
        ruling_id=ruling.id,
        ruled_for=ruling.ruled_for,
        amounts=_amounts(sale, ruling.amount) if ruling.amount else (),
        after_return=ruling.after_return,
        liability=tuple(
            ItemShares(item=number, shares=ruling.shares)
            for number in range(1, len(sale.items) + 1)
            if ruling.shares
        ),
    )


def _paid(sale: AfterSale, payout: Payout) -> CaseCommandBase:
    if payout.failed is not None:
        return RecordRefundFailed(
            case_id=sale.case_id, action_key=sale.number, reason=payout.failed
        )
    return RecordRefundSucceeded(
        case_id=sale.case_id,
        action_key=sale.number,
        amounts=_amounts(sale, payout.amount),
        by=Party.PLATFORM,
    )


def _amounts(sale: AfterSale, fen: int) -> tuple[LineMoney, ...]:
    parts = apportion(fen, [item.weight for item in sale.items])
    places = 10 ** exponent(CURRENCY)
    return tuple(
        LineMoney(
            line=item.line,
            money=Money(amount=f"{part // places}.{part % places:02}", currency=CURRENCY),
        )
        for item, part in zip(sale.items, parts, strict=True)
    )


def _request(
    sale: AfterSale, what: str, command: CaseCommandBase, at: datetime, record: Record
) -> Request:
    """Its id has the time and a digest of what it says (but of nothing personal): told again it
    is the same, told otherwise another, and whoever decides knows whether it says anything new."""
    told = f"{at.isoformat()} {command.model_dump_json(exclude={'private'})}"
    digest = sha256(told.encode()).hexdigest()[:16]
    # The buyer's words may change from one update to the next.
    dated = sale.updated_at if what == "complaint" else at
    return Request(
        source=f"{WAY_IN}/{sale.platform}",
        message_id=f"{sale.number}/{what}/{dated:%Y%m%d%H%M%S}/{digest}",
        command=command,
        actor=Actor(kind=ActorKind.SYSTEM, id=sale.platform.value, role=Role.PLATFORM),
        occurred_at=at,
        origin=origin(record),
    )
