"""Taking entries back, vouching for late ones, learning numbers, settling divergences."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from domain.case import commands as cmd
from domain.case import events as ev
from domain.case.entries import CORRECTABLE
from domain.case.linking import add_alias
from domain.case.rules import on, policies_of, require_evidence
from domain.case.state import Case, Entry
from domain.kernel import ActorKind, Context, Emit, Rejected, order_stream, require
from domain.order import CaseEndedOnOrder
from domain.world import World


def decide_correction(
    command: cmd.CorrectionCommand, case: Case, world: World, context: Context
) -> list[Emit]:
    """The events of a correction; each names what it supersedes. Raises Rejected."""
    match command:
        case cmd.CorrectEntry():
            return _correct(command, case)
        case cmd.ConfirmBackdating():
            return _confirm_backdating(command, case, world, context)
        case cmd.AddAlias():
            return add_alias(command, case, world, context)
        case cmd.SettleDivergence():
            found = case.divergences.get(command.divergence_id)
            require(
                found is not None,
                "unknown_divergence",
                f"The case has no divergence {command.divergence_id}.",
                "divergence_id",
            )
            if found is None or found.settled:
                return []
            settled = ev.DivergenceSettled(
                divergence_id=command.divergence_id, private=command.private
            )
            return [on(case, settled)]
        case _:
            assert_never(command)


def _correct(command: cmd.CorrectEntry, case: Case) -> list[Emit]:
    """Take an entry back. Rejected: unknown_entry, not_correctable, entry_has_consequences."""
    if command.version in case.corrected:
        return []
    entry = _entry(case, command.version, "not_correctable")
    require(
        entry.topic in CORRECTABLE,
        "not_correctable",
        "What others have acted upon is corrected by a further step: amend, rescind, reverse.",
        "version",
    )
    corrected = ev.EntryCorrected(
        supersedes=command.version, reason=command.reason, private=command.private
    )
    emits = [on(case, corrected)]
    if entry.topic == ev.OrderLinked.TOPIC and case.order_id is not None:
        require(
            not (case.proposals or case.agreements or case.refunds or case.goodwill),
            "entry_has_consequences",
            "Offers or payouts rest on this order: they end first.",
            "version",
        )
        ended = CaseEndedOnOrder(case_id=case.case_id)
        emits.append(Emit(order_stream(case.order_id), ended))
    return emits


def _confirm_backdating(
    command: cmd.ConfirmBackdating, case: Case, world: World, context: Context
) -> list[Emit]:
    """A second person vouches for when a dated-back entry happened.

    Rejected: unknown_entry, not_backdated, entry_corrected, second_person_needed,
    unknown_evidence.
    """
    if command.version in case.confirmed_entries:
        return []
    entry = _entry(case, command.version, "not_backdated")
    silence = policies_of(case, world).silence(context.now).values
    late = entry.decided_at - entry.occurred_at
    require(
        entry.actor.kind is ActorKind.PERSON
        and late > timedelta(minutes=silence.backdating_minutes),
        "not_backdated",
        "The entry was made by a system, or in time: it counts as it is.",
        "version",
    )
    require(
        command.version not in case.corrected,
        "entry_corrected",
        "The entry was taken back.",
        "version",
    )
    require(
        context.actor.kind is ActorKind.PERSON and context.actor.id != entry.actor.id,
        "second_person_needed",
        f"Somebody else than {entry.actor.id} has to confirm it.",
        "actor.id",
    )
    require_evidence(case, command.evidence)
    confirmed = ev.BackdatingConfirmed(
        entry=command.version, evidence=command.evidence, private=command.private
    )
    return [on(case, confirmed)]


def _entry(case: Case, version: int, code: str) -> Entry:
    """The entry of that version; refused under `code` if the event is none of that sort."""
    require(
        version <= case.version,
        "unknown_entry",
        f"The case has no event {version}.",
        "version",
    )
    entry = case.entry(version)
    if entry is None:
        raise Rejected(code, f"Event {version} is no entry that this is about.", "version")
    return entry
