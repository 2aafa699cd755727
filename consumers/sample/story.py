"""The thread of one case: its clock, its people, and what is told of the complaint and the talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any, Final

from consumers.sample import words
from consumers.sample.catalogue import (
    ERP,
    NICKNAMES,
    STORE,
    STREETS,
    TOWNS,
    desk,
    of_platform,
    person,
)
from consumers.sample.hours import at_work, awake, before_closing, hours, takes
from consumers.sample.message import Message
from consumers.sample.orders import Bought, Numbers, parcel_of, ships_itself
from domain.case import commands as cmd
from domain.case.values import (
    Channel,
    ContactKind,
    Direction,
    EvidenceKind,
    EvidenceRef,
    ItemClaim,
    Level,
    Party,
    ProblemType,
)
from domain.kernel import Actor, Command, Private, Role
from domain.order import ShipmentOutcome
from domain.order.commands import RecordDelivery, RecordShipment, RecordShipmentOutcome

QUICK: Final = timedelta(seconds=40)
"""How long after a step its source tells it."""

PACES: Final = ((1.0, 84), (5.0, 11), (22.0, 5))
"""How slow the shop is with a case, and with how many of a hundred."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """reference: by which the platform knows them; contact and address are as invented."""

    reference: str
    nickname: str
    phone: str
    address: str


def some_buyer(rng: Random) -> Buyer:
    """Numbers that begin with 120 belong to no mobile phone."""
    number = rng.randrange(10**8)
    return Buyer(
        reference=f"u{rng.randrange(16**10):010x}",
        nickname=rng.choice(NICKNAMES),
        phone=f"120{number:08d}",
        address=f"{rng.choice(TOWNS)}{rng.choice(STREETS)}{rng.randrange(1, 300)}号",
    )


class Thread:
    """One case as it goes on. now: the moment that the story has reached, moved on by `shop_takes`,
    `buyer_takes` and `others_take`; steps happen at it.

    order: what the complaint is about; quantity: bought of its first line; parcel, carrier: what
    brought it, or brought the last thing. case_id: the number, given when the story begins.
    known: a step that rests on others is told after them.
    """

    def __init__(self, rng: Random, numbers: Numbers, order: Bought, at: datetime) -> None:
        self.rng = rng
        self.numbers = numbers
        self.order = order
        self.shop = order.shop
        self.case_id = numbers.case(self.shop, at)
        self.now: datetime = at
        self.messages: list[Message] = []
        self.buyer = some_buyer(rng)
        self.agent = rng.choice(self.shop.agents)
        self.pace = rng.choices([pace for pace, _ in PACES], [share for _, share in PACES])[0]
        self.diligence = 0.97 if self.pace == 1.0 else 0.6
        self.problem = ProblemType.OTHER
        self.parcel, self.carrier = parcel_of(rng)
        self.quantity: int = order.lines[0][2]
        self._known: datetime = order.placed_at
        self._informed: datetime = at
        self._talks = False
        self._ids = 0
        self._proofs = 0

    @property
    def _tag(self) -> str:
        return self.case_id.split(":", 1)[1].replace(":", "-")

    def another_number(self) -> str:
        """A further number of the shop's platform, given now."""
        return self.numbers.case(self.shop, self.now)

    def another_case(self) -> None:
        """The story goes on in a new case about the same order."""
        self.case_id = self.another_number()
        self._talks = False
        self._ids = self._proofs = 0

    # ------------------------------------------------------------- people

    @property
    def desk(self) -> Actor:
        return desk(self.agent)

    @property
    def buyers(self) -> Actor:
        """What the buyer did in the platform's app, as the platform tells it."""
        return of_platform(self.shop.platform, Role.BUYER)

    @property
    def platform(self) -> Actor:
        return of_platform(self.shop.platform)

    @property
    def supervisor(self) -> Actor:
        return person(self.shop.supervisor, Role.SUPERVISOR)

    # --------------------------------------------------------------- time

    def shop_takes(self, minutes: float, spread: float = 0.8) -> None:
        """The shop gets to its next step after about so many working minutes."""
        start = at_work(self.now)
        after = timedelta(minutes=takes(self.rng, minutes * self.pace, spread))
        self._inform(at_work(start + after))

    def buyer_takes(self, count: float, spread: float = 0.7) -> None:
        """The buyer's turn; nobody owes them news meanwhile."""
        self.now = awake(self.now + hours(takes(self.rng, count, spread)))
        self._informed = self.now

    def others_take(self, least: float, most: float) -> None:
        """A carrier, a bank, a supplier or a department takes so many hours."""
        self._inform(self.now + hours(self.rng.uniform(least, most)))

    def silence(self, days: float) -> None:
        """So many days in which the next step is the buyer's, who takes none."""
        self.now += timedelta(days=days)
        self._informed = self.now

    def neglected(self, least: float, most: float) -> None:
        """Nobody at the shop does anything for so many hours."""
        self.now = at_work(self.now + hours(self.rng.uniform(least, most)))

    def at(self, moment: datetime) -> None:
        """Go to a moment without a word meanwhile."""
        self.now = moment

    def _inform(self, until: datetime) -> None:
        """Time passes; whom the shop has answered hears every day how things stand, mostly."""
        while self._talks and until - self._informed > hours(22):
            at = self._informed + hours(self.rng.uniform(14, 20))
            at = before_closing(at) if before_closing(at) > self._informed else at_work(at)
            if at >= until:
                break
            if self.rng.random() < self.diligence:
                said = self.rng.choice(words.PROGRESS)
                self.contact(said, at=at, needed=False)
            self._informed = at
        self.now = until

    # -------------------------------------------------------------- telling

    def tell(
        self,
        command: Command,
        actor: Actor,
        *,
        at: datetime | None = None,
        late: float = 0.0,
        needed: bool = True,
    ) -> None:
        """A step at `at`, or now. late: hours until its source tells it. needed: later steps rest
        on it, so they are told after it; if it is late, they happen after it as well."""
        happened = at or self.now
        told = max(happened + QUICK, self._known)
        if late:
            told = happened + hours(late)
            if needed:
                self.now = max(self.now, told)
        if needed:
            self._known = max(self._known, told)
        self._ids += 1
        self.messages.append(
            Message(told, f"{self._tag}-{self._ids:02d}", command, actor, happened, self._tag)
        )

    # ------------------------------------------------------------- parcels

    def ordered(self, *, needed: bool = True, late: float = 0.0) -> None:
        self.tell(self.order.record(), ERP, at=self.order.placed_at, needed=needed, late=late)

    def shipped(
        self, at: datetime, units: dict[str, int] | None = None, *, replacement: bool = False
    ) -> str:
        """A parcel left; its tracking number."""
        parcel, self.carrier = parcel_of(self.rng)
        sent = RecordShipment(
            order_id=self.order.order_id,
            shipment_id=parcel,
            units=units or self.order.units(),
            supplier_ships=ships_itself(self.order.product()),
            replacement_for=self.case_id if replacement else None,
        )
        self.tell(sent, STORE, at=at)
        return parcel

    def delivered(
        self, parcel: str, at: datetime, *, late: float = 0.0, needed: bool = True
    ) -> None:
        got = RecordDelivery(order_id=self.order.order_id, shipment_id=parcel)
        self.tell(got, self.carrier, at=at, late=late, needed=needed)

    def parcel_ended(self, parcel: str, outcome: ShipmentOutcome) -> None:
        ended = RecordShipmentOutcome(
            order_id=self.order.order_id, shipment_id=parcel, outcome=outcome
        )
        self.tell(ended, self.carrier)

    # ------------------------------------------------------------ complaint

    def claim(
        self, problem: ProblemType, line: str = "1", quantity: int | None = None
    ) -> ItemClaim:
        """quantity: all that was bought of the first line, if left out."""
        return ItemClaim(line=line, quantity=quantity or self.quantity, problem=problem)

    def complain(
        self,
        *claims: ItemClaim,
        proofs: Sequence[EvidenceKind] = (),
        channel: Channel = Channel.PLATFORM,
        case_id: str | None = None,
        with_order: bool = True,
        at: datetime | None = None,
        severity: Level | None = None,
        safety: bool = False,
        text: str | None = None,
        late: float = 0.0,
    ) -> None:
        """The buyer complains, now or at `at`."""
        self.problem = claims[0].problem
        said = text or self.rng.choice(self._complaints(claims[0].line))
        fields: dict[str, Any] = {
            "case_id": case_id or self.case_id,
            "channel": channel,
            "items": claims,
            "severity": severity or self.rng.choices(list(Level), (60, 30, 10))[0],
            "evidence": tuple(self._proof(kind) for kind in proofs),
            "private": Private(
                text=said.format(name=self.order.product(claims[0].line).name),
                buyer=self.buyer.reference,
                contact=f"{self.buyer.nickname} {self.buyer.phone}",
            ),
        }
        if with_order:
            fields["order_id"] = self.order.order_id
        if safety:
            fields["safety"] = True
        by = self.buyers if channel is Channel.PLATFORM else self.desk
        self.tell(cmd.FileComplaint.model_validate(fields), by, at=at, late=late)
        self._informed = self.now

    def _complaints(self, line: str) -> list[str]:
        category = self.order.product(line).category
        said = words.COMPLAINTS[self.problem]
        return [text for text, about in said if category in (about or category)]

    def _proof(self, kind: EvidenceKind) -> EvidenceRef:
        self._proofs += 1
        name = f"p{self._proofs}"
        content = f"{self.case_id}/{name}".encode()
        return EvidenceRef(evidence_id=name, kind=kind, sha256=sha256(content).hexdigest())

    def proof(self, kind: EvidenceKind = EvidenceKind.PHOTO, by: Party = Party.BUYER) -> str:
        """Attach a proof; its id."""
        ref = self._proof(kind)
        place = f"proofs://{self._tag}/{ref.evidence_id}"
        actor = {Party.BUYER: self.buyers, Party.WAREHOUSE: STORE}.get(by, self.desk)
        attached = cmd.AttachEvidence(
            case_id=self.case_id, proof=ref, submitter=by, private=Private(uri=place)
        )
        self.tell(attached, actor)
        return ref.evidence_id

    # ----------------------------------------------------------------- talk

    def contact(
        self,
        text: str,
        kind: ContactKind = ContactKind.MESSAGE,
        channel: Channel = Channel.IM,
        *,
        at: datetime | None = None,
        actor: Actor | None = None,
        late: float = 0.0,
        needed: bool = True,
        substantive: bool = True,
        delivered: bool = True,
    ) -> None:
        """The shop writes or calls."""
        said = text.format(name=self.order.product().name, agent=self.agent)
        told = cmd.RecordContact(
            case_id=self.case_id,
            direction=Direction.TO_BUYER,
            contact=kind,
            channel=channel,
            delivered=delivered,
            substantive=substantive,
            private=Private(text=said or None),
        )
        self.tell(told, actor or self.desk, at=at, late=late, needed=needed)
        if delivered and substantive:
            self.informed(self.now if late and needed else at or self.now)

    def informed(self, at: datetime) -> None:
        """The buyer has had an answer at `at`: from now on the shop keeps in touch."""
        self._talks = True
        self._informed = max(self._informed, at)

    def parted(self) -> None:
        """The case has ended, and the daily news with it."""
        self._talks = False

    def hears(self, text: str, channel: Channel = Channel.IM) -> None:
        """The buyer writes."""
        told = cmd.RecordContact(
            case_id=self.case_id,
            direction=Direction.FROM_BUYER,
            contact=ContactKind.MESSAGE,
            channel=channel,
            private=Private(text=text),
        )
        self.tell(told, self.buyers)

    def respond(self, minutes: float = 35) -> None:
        """A greeting at once, an answer by the agent who takes the case, sometimes by telephone
        after a call that nobody took."""
        if self.rng.random() < 0.4:
            greeting = self.now + timedelta(seconds=5)
            self.contact(
                words.GREETINGS[0],
                ContactKind.AUTO_GREETING,
                at=greeting,
                substantive=False,
                needed=False,
            )
        self.shop_takes(minutes)
        self.tell(cmd.Assign(case_id=self.case_id, assignee=self.agent), self.desk)
        if self.rng.random() < 0.12:
            self.contact("", ContactKind.UNANSWERED_CALL, Channel.PHONE, delivered=False)
            self.shop_takes(50)
            self.contact("电话已接通，了解了情况。", ContactKind.ANSWERED_CALL, Channel.PHONE)
        else:
            self.contact(self.rng.choice(words.REPLIES))
        if self.rng.random() < 0.15:
            note = cmd.AddNote(
                case_id=self.case_id, private=Private(text=self.rng.choice(words.NOTES))
            )
            self.tell(note, self.desk, needed=False)

    def verify(
        self, problem: ProblemType | None = None, quantity: int | None = None, item: int = 1
    ) -> None:
        """The order is looked up, the item's problem and quantity are checked."""
        self.tell(cmd.VerifyOrder(case_id=self.case_id), self.desk)
        checked = cmd.VerifyItem(
            case_id=self.case_id,
            item=item,
            problem=problem or self.problem,
            quantity=quantity or self.quantity,
        )
        self.tell(checked, self.desk)

    def upset(self, level: Level) -> None:
        self.tell(cmd.RecordDissatisfaction(case_id=self.case_id, level=level), self.desk)
