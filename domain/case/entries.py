"""Entries that can be taken back, or whose time a second person can vouch for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.case import events as ev
from domain.case.parts import change
from domain.case.state import Case, Entry
from domain.kernel import ActorKind, Event, Stamp

CORRECTABLE: Final = frozenset(
    {
        ev.ContactRecorded.TOPIC,
        ev.WaitAgreed.TOPIC,
        ev.OrderLinked.TOPIC,
        ev.ItemVerified.TOPIC,
        ev.DissatisfactionRecorded.TOPIC,
        ev.NoteAdded.TOPIC,
        ev.RemedyTold.TOPIC,
        ev.ForgivenessRecorded.TOPIC,
    }
)
"""What can be taken back as entered by mistake. What money, goods or other parties have followed
is corrected by a further step of its own: an amendment, a rescission, a reversal."""

TIMED: Final = {
    ev.ContactRecorded.TOPIC: "",
    ev.ResolutionProposed.TOPIC: "",
    ev.ComplaintDeclined.TOPIC: "",
    ev.AgreementReached.TOPIC: "proposal_id",
    ev.ObligationEnded.TOPIC: "obligation_id",
    ev.ReplacementDispatched.TOPIC: "obligation_id",
    ev.ReturnShipped.TOPIC: "return_id",
    ev.ReturnReceived.TOPIC: "return_id",
    ev.ReturnInspected.TOPIC: "return_id",
    ev.RepairSentBack.TOPIC: "obligation_id",
    ev.AppraisalVerdictGiven.TOPIC: "appraisal_id",
    ev.HandedWorkDone.TOPIC: "handover_id",
}
"""What a person may enter late and have believed in time with a second person's word -> its field
that names the matter whose clock it ends, if it is about one matter."""


def with_entry(entries: Mapping[int, Entry], event: Event, stamp: Stamp) -> Mapping[int, Entry]:
    """The entries with this event's, if it is one to keep; a contact is kept as such."""
    if isinstance(event, ev.ContactRecorded):
        return entries
    backdated = stamp.actor.kind is ActorKind.PERSON and stamp.occurred_at < stamp.decided_at
    if event.TOPIC not in CORRECTABLE and not (event.TOPIC in TIMED and backdated):
        return entries
    entry = Entry(
        version=stamp.version,
        topic=event.TOPIC,
        about=_about(event),
        occurred_at=stamp.occurred_at,
        decided_at=stamp.decided_at,
        actor=stamp.actor,
    )
    return {**entries, stamp.version: entry}


def _about(event: Event) -> str:
    if isinstance(event, ev.ItemVerified):
        return str(event.item)
    field = TIMED.get(event.TOPIC)
    return str(getattr(event, field)) if field else ""


def take_back(case: Case, version: int) -> Case:
    """The case without what that entry said. A later entry of the same kind and about the same
    part superseded it already: then it is only marked."""
    entry = case.entry(version)
    corrected = case.with_(corrected=case.corrected | {version})
    if entry is None:
        return corrected
    if entry.topic == ev.ContactRecorded.TOPIC:
        contacts = tuple(
            contact.with_(corrected=True) if contact.version == version else contact
            for contact in case.contacts
        )
        answers = {known: at for known, at in case.answers.items() if known != version}
        return corrected.with_(contacts=contacts, answers=answers)
    if not _is_latest(case, entry):
        return corrected
    match entry.topic:
        case ev.WaitAgreed.TOPIC:
            return corrected.with_(wait_until=None)
        case ev.OrderLinked.TOPIC:
            return corrected.with_(
                order_id=None,
                order_verified=False,
                category=None,
                currency=None,
                in_window=None,
                in_warranty=None,
            )
        case ev.ItemVerified.TOPIC:
            return corrected.with_(
                items=change(case.items, int(entry.about), verified=None, verified_quantity=None)
            )
        case ev.DissatisfactionRecorded.TOPIC:
            return corrected.with_(dissatisfaction=None)
        case ev.RemedyTold.TOPIC:
            return corrected.with_(remedy_told_at=None)
        case ev.ForgivenessRecorded.TOPIC:
            return corrected.with_(forgiven_at=None)
        case _:
            return corrected


def _is_latest(case: Case, entry: Entry) -> bool:
    return not any(
        later.version > entry.version
        and (later.topic, later.about) == (entry.topic, entry.about)
        and later.version not in case.corrected
        for later in case.entries.values()
    )
