"""What every stream shares: events, commands, stamps, refusals and stream names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Any, ClassVar, Final, Self, TypeVar, dataclass_transform

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.dataclasses import dataclass as checked_dataclass
from pydantic_core import core_schema

# ------------------------------------------------------------------ refusals


class Rejected(Exception):
    """A command was refused by a rule of the domain.

    code: stable snake_case name of the rule, for machines.
    message: the rule in words, for people, in English (the CLI translates by code).
    field: the dotted path in the command's data that broke the rule, or "".
    """

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


def require(holds: bool, code: str, message: str, field: str = "") -> None:
    """Raise Rejected(code, message, field) unless `holds`."""
    if not holds:
        raise Rejected(code, message, field)


# ------------------------------------------------------------------- values

T = TypeVar("T")

# NUL cannot be stored in PostgreSQL's text, lone surrogates not in UTF-8 (pydantic refuses
# those itself), and a blank name names nothing.
Ident = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f:]{1,80}$")]
"""A name given by the outside: shop, order number, line, supplier. No blanks, no colon."""

CaseId = Annotated[
    str, StringConstraints(pattern=r"^[a-z]+:[^\s\x00-\x1f\x7f:]{1,80}:[^\s\x00-\x1f\x7f:]{1,80}$")
]
"""platform:shop:number, e.g. ``douyin:s1:AS123``. Without an after-sale number, the number is
``<channel>-<message id>``."""

OrderId = CaseId
"""platform:shop:order number."""

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=20_000)]
"""Free words. NUL is refused because PostgreSQL cannot store it."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Moment:
    """Read by Python's own parser, which is as quick as pydantic's and gives the one `UTC`: two
    moments with the same zone compare in a seventh of the time."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        aware = core_schema.datetime_schema(tz_constraint="aware")
        return core_schema.json_or_python_schema(
            core_schema.no_info_plain_validator_function(datetime.fromisoformat),
            core_schema.no_info_after_validator_function(_in_utc, aware),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[datetime, _Moment()]
"""An aware datetime in UTC. From outside in any zone, never without; stored bytes hold UTC."""


class Platform(StrEnum):
    DOUYIN = "douyin"
    KUAISHOU = "kuaishou"
    TAOBAO = "taobao"
    OTHER = "other"


class ActorKind(StrEnum):
    PERSON = "person"
    SYSTEM = "system"
    RULE = "rule"


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    BUYER = "buyer"
    SUPPLIER = "supplier"
    CARRIER = "carrier"
    PLATFORM = "platform"
    WAREHOUSE = "warehouse"
    SERVICE = "service"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Class decorator: a dataclass that the type checkers keep from being changed. Python's own
    `frozen` makes an object cost three times as much, and a decision makes dozens of them."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Model(BaseModel):
    """Base of all that is stored or sent: frozen, closed, no NaN, no silent coercion of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@checked_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Actor:
    """Who did it. id: the person's or system's name in its own directory. Every event and every
    contact has one: no model, which would be three objects."""

    kind: ActorKind
    id: Ident
    role: Role


class Private(Model):
    """The personal data of one event, stored as one encrypted blob and never looked at by
    `decide` or `evolve`."""

    text: Text | None = None
    buyer: Text | None = None
    contact: Text | None = None
    address: Text | None = None
    uri: Text | None = None


class Sealed(Model):
    """An encrypted `Private`, as replays carry it. key: id of the subject's key, box: base64."""

    key: str
    box: str


# ------------------------------------------------------------------- events


class Kind(IntEnum):
    """What a stream is about; stored beside each event so that readers can skip. For ever."""

    CASE = 1
    ORDER = 2
    SUPPLIER = 3
    PRODUCT = 4
    POLICY = 5
    BUDGET = 6
    AGENT = 7


class Event(Model):
    """A business fact that was recorded. TOPIC is its stored name, for ever:
    ``<kind>.<past_tense>.v<n>``. Business fields only; the envelope is infra's."""

    TOPIC: ClassVar[str]
    private: Private | Sealed | None = None


@record
class Stamp:
    """The part of an event's envelope that a fold may read.

    occurred_at: when it happened. decided_at: the database's clock when it was decided.
    Both are aware UTC datetimes. version: 1 for the first event of the stream.
    """

    version: int
    occurred_at: datetime
    decided_at: datetime
    actor: Actor


@record
class Emit:
    """One event that a decision wants appended to one stream. occurred_at None: the request's.

    folded: its stream's state before it, its stamp and the state after it, where the decision
    needed them itself; so that nobody folds it again on the same state.
    """

    stream: str
    event: Event
    occurred_at: datetime | None = None
    actor: Actor | None = None
    folded: tuple[State, Stamp, State] | None = field(default=None, compare=False, repr=False)

    def stamp(self, before: int, context: Context) -> Stamp:
        """Its stamp as the event that follows version `before` of its stream."""
        return Stamp(
            before + 1,
            self.occurred_at or context.occurred_at,
            context.now,
            self.actor or context.actor,
        )


# ----------------------------------------------------------------- commands


class Command(Model):
    """Something asked of us, which may be refused; or, with IS_FACT, something that already
    happened, which is never refused for the state that a case is in.

    TYPE: the name on the wire, ``<kind>.<imperative>``.
    BULK: no inbox row; a repeat is recognised by the stream's own state (see `fact_key`).
    ALONE: decided by the stream that it names and the policies, so that nothing else which that
    stream refers to is worth loading ahead.
    """

    TYPE: ClassVar[str]
    IS_FACT: ClassVar[bool] = False
    BULK: ClassVar[bool] = False
    ALONE: ClassVar[bool] = False

    def streams(self) -> tuple[str, ...]:
        """The streams this command names, to be loaded before it is decided."""
        raise NotImplementedError


@record
class Context:
    """What a decision may know beside the streams.

    now: decided_at, the database's clock when the batch was loaded, aware UTC.
    occurred_at: when the asked-for thing happened; now for most commands.
    request_id: the message id, for what must be unique by request.
    claim_token: of the claim that the request is made under, if it names one.
    buyer: the keyed pseudonym of the buyer whom the command's private data names, if any.
    """

    now: datetime
    occurred_at: datetime
    actor: Actor
    request_id: str
    buyer: str | None = None
    claim_token: int | None = None


# ------------------------------------------------------------- the registry

E = TypeVar("E", bound=type[Event])
C = TypeVar("C", bound=type[Command])

EVENTS: Final[dict[str, type[Event]]] = {}
COMMANDS: Final[dict[str, type[Command]]] = {}

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: Final[dict[str, tuple[str, Upcaster]]] = {}
"""Old topic -> (next topic, function from the old stored fields to the next)."""


def event(topic: str) -> Callable[[E], E]:
    """Class decorator: give an event its stored name and register it under that name."""

    def register(cls: E) -> E:
        if topic in EVENTS:
            raise ValueError(f"the topic {topic} is taken by {EVENTS[topic].__name__}")
        cls.TOPIC = topic
        EVENTS[topic] = cls
        return cls

    return register


def command(
    type_: str, *, fact: bool = False, bulk: bool = False, alone: bool = False
) -> Callable[[C], C]:
    """Class decorator: give a command its wire name and register it under that name."""

    def register(cls: C) -> C:
        if type_ in COMMANDS:
            raise ValueError(f"the type {type_} is taken by {COMMANDS[type_].__name__}")
        cls.TYPE, cls.IS_FACT, cls.BULK, cls.ALONE = type_, fact, bulk, alone
        COMMANDS[type_] = cls
        return cls

    return register


# ------------------------------------------------------------------ streams


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def folded(cls: type[T]) -> type[T]:
    """Class decorator of states: as `record`, without slots, for `State.with_`."""
    return dataclass(unsafe_hash=True)(cls)


class State:
    """Base of the folded states, which are `folded`: nobody changes one, each event makes another.

    `with_` is dataclasses.replace without its re-validation: a replay of a long case spends
    most of its time there.
    """

    version: int

    def with_(self, **changes: Any) -> Self:
        """A copy of this state with some attributes replaced."""
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new.__dict__.update(changes)
        return new

    def subject(self) -> str | None:
        """Whose personal data this stream's events carry: a buyer's pseudonym, or None for
        the stream itself."""
        return None

    def refers_to(self) -> Iterator[str]:
        """Streams that a decision about this one will want too; loaded ahead in one query."""
        yield from ()


def case_stream(case_id: str) -> str:
    return f"case:{case_id}"


def order_stream(order_id: str) -> str:
    return f"order:{order_id}"


def supplier_stream(supplier: str) -> str:
    return f"supplier:{supplier}"


def product_stream(product: str) -> str:
    return f"product:{product}"


def policy_stream(*scope: str) -> str:
    """scope: platform[, shop[, category]]."""
    return ":".join(("policy", *scope))


def budget_stream(platform: str, shop: str, day: str) -> str:
    """day: ISO date in the shop's zone."""
    return f"budget:{platform}:{shop}:{day}"


def agent_stream(agent: str) -> str:
    return f"agent:{agent}"


_KINDS: Final = {kind.name.lower(): kind for kind in Kind}


def kind_of(stream: str) -> Kind:
    """The kind of a stream, from its name."""
    return _KINDS[stream.partition(":")[0]]
