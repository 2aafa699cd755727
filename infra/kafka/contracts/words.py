"""What each published field means; `Class.field` where a name means something else there."""

from __future__ import annotations

from typing import Final

WORDS: Final[dict[str, str]] = {
    name.strip(): words.strip()
    for name, _, words in (
        line.partition("|")
        for line in """
ClockStarted.about | What the clock times, such as an obligation's id; null: the whole case.
ComplaintJoined.about | Numbers of the items that the case held already.
DivergenceFound.about | The id of what contradicts, or empty.
QueueEntry.about | What in the case the next action concerns, or empty; null: nothing to do.
action_key | The key of a payment: the same key never pays twice.
RemedyTold.action_key | The goodwill that was told; null: none of its own.
actor | What kind of actor did it, never who.
advised | The rung of the goodwill ladder that was advised.
after_return | It waits for the goods to come back.
agreement_id | The agreement.
alias | Another number under which the case is known.
amount | In minor units of `currency`.
answer | What the buyer did about the decline.
appraisal_id | The appraisal.
area | What is to be improved.
as_remedy | It was raised to make good for the shop's lateness or fault.
assigned | Whether somebody has the case now.
attempt | Which attempt with this key it is, from 1.
basis | On what it rests.
body | The independent body that appraises.
borne_by | Who bears it.
budget_day | The day, in the shop's zone, on whose budget it draws; null: on none.
by | Who did it.
by_silence | The buyer said nothing for as long as the policy says.
called_by | Who called the platform in.
case_id | platform:shop:after-sale number.
case_ended | The case has ended, and nothing is left to do.
category | The category of the goods; null: not known.
channel | How it was said.
clock | The clock's name.
PlatformDeadline.clock | The clock whose due time the platform set.
code | Empty when accepted; else the stable name of the rule or of what is wrong.
complete | Nothing was missing.
confirmed_by_person | A person entered or confirmed that it had occurred in time.
contact | What kind of contact it was.
contested | One side does not accept it.
correlation_id | As the record said in `ce_correlationid`; null: it did not.
counters | The proposal that this one answers; null: none.
currency | ISO 4217, of all amounts here; null: the order is not known.
ComplaintFiled.currency | ISO 4217, of the order; null: the order is not known.
OrderLinked.currency | ISO 4217, of the order; null: not known.
QueueEntry.currency | ISO 4217, of all amounts here; null: the order is not known.
dead_letter | The number under which the record is kept; null: it was taken.
deadline | The platform's own deadline.
decline_id | The shop's decline.
delivered | It was delivered.
department | Who is to do it.
detected_at | When it was noticed; it was breached at `due_at`.
direction | Who spoke.
divergence | In what a fact contradicts the case.
divergence_id | Its number in the case.
due_at | When it is due.
DueTime.due_at | When it is or was due; of a recurring clock also those missed in a row.
due_minutes | Minutes that the supplier has from the receipt of what was asked for.
due_times | One for each due time of a running clock, met or missed.
duty | What is owed.
eligible | Whether the case fulfils what the exemption asks for.
ended | The platform regards the after-sale as ended.
entry | The version in the case of the event that was confirmed.
every_minutes | Minutes of a recurring clock's period, at its next due time; 0 otherwise.
evidence | The proofs.
evidence_id | The proof.
exempt | What the platform's tag says.
field | Where in the record, or empty.
filed_at | When the earliest complaint was made; null: not known.
final | It stands unless a later finding supersedes it.
finding | What the inspection found.
follows | An earlier, ended case about the same item; null: none.
goodwill | In minor units of `currency`: what was given on top of what is owed.
granted | Whether the platform grants the exemption.
ground | Why the shop declines.
grounds | What speaks for and against: stable codes.
handover_id | The work that was handed over.
held_until | When the claim that was recorded last, and not ended, lapses; null: nobody holds it.
hold | It must be kept for now.
how | How it ended.
in_warranty | Within the warranty; null: not known.
in_window | Within the after-sales window; null: not known.
independent | It comes from an independent body, not from the supplier.
item | The item's number in the case, from 1.
items | Numbers of the items in the case, from 1.
ComplaintFiled.items | What is complained about; numbered 1, 2, … in this order.
ComplaintJoined.items | Items that the case did not hold yet; they get the next numbers.
joined | The open case in which the complaint goes on.
key | The clock's name in its case: `name[:about]#round[/n]`.
kind | What kind it is.
level | How dissatisfied the buyer is.
line | The order's line.
lines | How it is split over the order's lines.
OrderLinked.lines | The order's line for each line name of the complaint that is another there.
message | The rule in words, in English; empty when accepted.
message_id | As the record said in `ce_id`.
missed | How many periods in a row passed unmet, each one breach.
needs_goods | The supplier needs the goods themselves.
next_action | What a person has to do: a stable code.
QueueEntry.next_action | What they do next: a stable code; null: nothing.
next_due_at | When the clock's current period is due; null: it does not recur.
number | The number of the further complaint.
DeadLetterNotice.number | Under which it is kept: `casetrail dead-letters show NUMBER`.
obligation_id | What is owed.
RefundSucceeded.obligation_id | What it pays for; null: nothing was owed there.
RefundRequested.obligation_id | What it is to pay for; null: nothing that was agreed.
GoodwillGranted.obligation_id | What it fulfils; null: it was not owed.
obligations | What is owed by whom from now on.
occurred_at | When it happened; `recorded_at` may be later.
offset | The record's offset in its partition.
order_id | platform:shop:order number; null: not known.
outcome | How the case ended.
CommandResult.outcome | What became of the record.
owed | In minor units of `currency`: refunds agreed or ruled and not asked for yet.
packaging_asked_for | The buyer was asked for the original packaging.
packaging_intact | The packaging is whole.
partition | The partition it came from.
parts | What is offered.
party | Whose it is to do.
Share.party | Who is liable.
paused | It waits for its condition; `due_at` is without the wait.
payout | A payment that has to be checked; null: none.
percent | Percent of the liability; the shares of an item sum to 100.
platform | The platform's name.
platform_due_at | The platform's own earliest deadline for what is still to be done; null: none.
policy | The exact versions of policies that decided.
position | The event's place in the log of all events: 1, 2, 3 … in the order of recording.
CommandResult.position | The place in the log of the last event it caused; null: none.
QueueEntry.position | The place in the log of the last event that is in here.
priority | The case's priority now.
problem | What is wrong.
problems | The items' problem types, verified or as claimed, without repeats.
proof | The proof.
proof_of_posting | The buyer can prove that it was posted.
proposal_id | The proposal.
quantity | Units.
rating | The buyer's.
reason | Why.
recorded_at | When it was recorded; never goes back along the log.
refund_total | In minor units of `currency`: all refunds of the proposal.
refunded | In minor units of `currency`: what the buyer got back.
QueueEntry.refunded | In minor units of `currency`: paid back and not reversed.
repeat | The record was answered before; this is the first answer again.
resalable | It can be sold as new.
resolution | What is offered or done.
return_freight | In minor units of `currency`: what the buyer got for sending it back.
return_id | The return.
role | In which role.
root_cause | Where it comes from.
round | Which round of the case it is, from 1.
rule | The rule that decided, or empty.
rules | The rules that matched.
ruled_for | For whom the platform ruled.
ruling_id | The platform's ruling.
rung | The rung of the goodwill ladder that was given.
safety | Somebody could be hurt.
severity | How grave it is.
sha256 | Of the proof's bytes, in hexadecimal.
DeadLetterNotice.sha256 | Of the record's value, in hexadecimal.
shares | Who is liable for how much.
shipment_id | The parcel.
shipped | It was shipped.
shop | The shop's name on the platform.
source | As the record said in `ce_source`.
stage | How far the goods were at the time of the complaint; null: not known.
submitter | Who handed it in.
substantive | It counts as an answer to the buyer.
succeeded | The parcel was stopped.
supersedes | What no longer counts.
EntryCorrected.supersedes | The version in the case of the event that no longer counts.
supplier | The supplier's name.
Share.supplier | The supplier's name; null: the party is another.
target_minutes | Minutes that the clock gives.
terms | The exact versions of the terms (window, warranty) that hold for the buyer.
token | How many claims the case has had with this one.
told_buyer | The buyer was told.
topic | The topic it came from.
totals | What the case cost.
tracked | Whether the parcel's number is known.
turn | Whose turn it is; null: nobody's.
units | What was found, unit by unit.
until | Until when the buyer waits.
CaseClaimed.until | When the claim lapses unless it is renewed.
ClaimRenewed.until | When the claim lapses unless it is renewed.
verdict | What was decided.
version | The event's number in its case: 1, 2, 3 … without gaps.
""".strip().splitlines()
    )
}


def words_of(cls: str, field: str) -> str | None:
    """What the field means in the class of this name; None if nobody said."""
    return WORDS.get(f"{cls}.{field}", WORDS.get(field))
