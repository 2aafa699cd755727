"""Which policy is in force. DOMAIN: flow 1 (the buyer's terms), invariants, SLA clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from timeit import timeit

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from domain.case.values import EvidenceKind, Level, Priority, ProblemType, Rung
from domain.kernel import Model, Platform
from domain.money import Money
from domain.policy import (
    EvidenceDocument,
    EvidencePolicy,
    LadderDocument,
    LadderPolicy,
    Policies,
    PolicyDocument,
    PolicyStream,
    ProcedureDocument,
    ProcedurePolicy,
    PublishPolicy,
    RefundAutomationDocument,
    RefundAutomationPolicy,
    ShopDocument,
    ShopPolicy,
    SilenceDocument,
    SilencePolicy,
    SlaTarget,
    SlaTargetsDocument,
    SlaTargetsPolicy,
    WindowDocument,
    WindowPolicy,
    in_currency,
)
from domain.policy import defaults as standard
from domain.sla.events import ClockName
from tests.unit.support import ADMIN, T0, Story, days, told

LATER = T0 + days(100)
SCOPES = (("douyin",), ("douyin", "s1"), ("douyin", "s1", "shoes"))


def published(
    story: Story,
    document: PolicyDocument,
    *scope: str,
    at: datetime = T0,
    effective_from: datetime | None = None,
) -> None:
    shop, category = (*scope[1:], None, None)[:2]
    command = PublishPolicy(
        platform=Platform(scope[0]),
        shop=shop,
        category=category,
        document=document,
        effective_from=effective_from,
    )
    story.given(told(command, at=at, by=ADMIN))


def policies_of(story: Story) -> Policies:
    streams = [story.state("policy:" + ":".join(scope)) for scope in SCOPES]
    assert all(isinstance(stream, PolicyStream) for stream in streams)
    return Policies(streams)


def test_where_nothing_was_published_the_defaults_hold() -> None:
    policies = policies_of(Story())
    for found, default in (
        (policies.window(T0), standard.WINDOW),
        (policies.evidence(T0), standard.EVIDENCE),
        (policies.refund_automation(T0), standard.REFUND_AUTOMATION),
        (policies.ladder(T0), standard.LADDER),
        (policies.silence(T0), standard.SILENCE),
        (policies.sla(T0), standard.SLA_TARGETS),
        (policies.procedure(T0), standard.PROCEDURE),
        (policies.shop(T0), standard.SHOP),
        (policies.terms(T0, LATER), standard.WINDOW),
    ):
        assert found.values == default
        assert found.ref == ("default@1",)


def test_the_category_overrides_the_shop_and_the_shop_the_platform_field_by_field() -> None:
    story = Story()
    published(story, WindowDocument(after_sales_days=8, warranty_days=100), "douyin")
    published(story, WindowDocument(after_sales_days=9, no_reason_days=8), "douyin", "s1")
    published(story, WindowDocument(after_sales_days=10), "douyin", "s1", "shoes")
    values, ref = policies_of(story).window(LATER)
    assert values == WindowPolicy(after_sales_days=10, warranty_days=100, no_reason_days=8)
    assert ref == ("default@1", "policy:douyin@1", "policy:douyin:s1@1", "policy:douyin:s1:shoes@1")


def test_a_policy_holds_from_its_day_on_and_not_before() -> None:
    story = Story()
    start = T0 + days(3)
    published(story, SilenceDocument(confirm_days=5), "douyin", effective_from=start)
    policies = policies_of(story)
    assert policies.silence(start - timedelta(microseconds=1)) == (standard.SILENCE, ("default@1",))
    values, ref = policies.silence(start)
    assert (values.confirm_days, values.decline_days) == (5, 7)
    assert ref == ("default@1", "policy:douyin@1")


def test_of_two_versions_from_one_moment_the_later_recorded_holds() -> None:
    story = Story()
    start = T0 + days(3)
    for number in (5, 6):
        document = SilenceDocument(confirm_days=number)
        published(story, document, "douyin", effective_from=start)
    values, ref = policies_of(story).silence(start)
    assert (values.confirm_days, ref[-1]) == (6, "policy:douyin@2")


def test_a_version_recorded_later_for_an_earlier_moment_does_not_hide_a_later_one() -> None:
    story = Story()
    published(story, SilenceDocument(confirm_days=5), "douyin", effective_from=T0 + days(9))
    published(story, SilenceDocument(confirm_days=6), "douyin", effective_from=T0 + days(3))
    policies = policies_of(story)
    assert policies.silence(T0 + days(4)).values.confirm_days == 6
    assert policies.silence(T0 + days(9)).values.confirm_days == 5


def test_a_new_document_replaces_the_whole_old_one_of_its_scope() -> None:
    story = Story()
    published(story, SilenceDocument(confirm_days=5, decline_days=5), "douyin")
    published(story, SilenceDocument(confirm_days=6), "douyin", at=T0 + days(1))
    assert policies_of(story).silence(LATER).values.decline_days == 7


def test_another_shops_policy_does_not_hold_here() -> None:
    story = Story()
    published(story, SilenceDocument(confirm_days=5), "douyin", "s2")
    published(story, SilenceDocument(confirm_days=5), "kuaishou")
    assert policies_of(story).silence(LATER).values == standard.SILENCE


# ------------------------------------------------------------ the buyer's terms


def test_the_buyer_keeps_the_terms_of_the_order_when_they_get_worse() -> None:
    story = Story()
    published(story, WindowDocument(after_sales_days=15), "douyin")
    published(story, WindowDocument(after_sales_days=7), "douyin", at=T0 + days(10))
    policies = policies_of(story)
    terms, ref = policies.terms(T0 + days(5), T0 + days(20))
    assert terms.after_sales_days == 15
    assert ref == ("default@1", "policy:douyin@1")
    assert policies.terms(T0 + days(11), T0 + days(20)).values.after_sales_days == 7


def test_the_buyer_gets_later_terms_that_are_kinder() -> None:
    story = Story()
    published(story, WindowDocument(after_sales_days=15), "douyin", at=T0 + days(10))
    policies = policies_of(story)
    assert policies.terms(T0, T0 + days(20)).values.after_sales_days == 15
    assert policies.terms(T0, T0 + days(9)).values.after_sales_days == 7


def test_of_mixed_terms_the_buyer_gets_each_kinder_one() -> None:
    story = Story()
    published(story, WindowDocument(after_sales_days=15, warranty_days=100), "douyin")
    published(
        story,
        WindowDocument(after_sales_days=8, warranty_days=200),
        "douyin",
        at=T0 + days(10),
    )
    values, ref = policies_of(story).terms(T0 + days(5), T0 + days(20))
    assert (values.after_sales_days, values.warranty_days) == (15, 200)
    assert ref == ("default@1", "policy:douyin@1", "policy:douyin@2")


# --------------------------------------------------------------- what they say


def test_sla_targets_are_overridden_clock_by_clock() -> None:
    story = Story()
    target = SlaTarget(clock=ClockName.FIRST_RESPONSE, minutes=60)
    published(story, SlaTargetsDocument(targets=(target,)), "douyin")
    sla = policies_of(story).sla(LATER).values
    assert sla.minutes(ClockName.FIRST_RESPONSE, Priority.NORMAL) == 60
    assert sla.minutes(ClockName.EXECUTION, Priority.NORMAL) == 48 * 60
    assert sla.minutes(ClockName.DELEGATED_FOLLOW_UP, Priority.NORMAL) is None


def test_an_sla_target_is_found_by_problem_type_before_priority() -> None:
    def target(
        minutes: int, priority: Priority | None = None, problem: ProblemType | None = None
    ) -> SlaTarget:
        return SlaTarget(
            clock=ClockName.EXECUTION, minutes=minutes, priority=priority, problem=problem
        )

    lost, damaged = ProblemType.LOST, ProblemType.DAMAGED
    story = Story()
    published(
        story,
        SlaTargetsDocument(
            targets=(
                target(100),
                target(50, Priority.URGENT),
                target(70, None, lost),
                target(20, Priority.URGENT, lost),
            )
        ),
        "douyin",
    )
    sla = policies_of(story).sla(LATER).values

    def minutes(priority: Priority, *problems: ProblemType) -> int | None:
        return sla.minutes(ClockName.EXECUTION, priority, problems)

    assert minutes(Priority.NORMAL) == 100
    assert minutes(Priority.NORMAL, damaged) == 100
    assert minutes(Priority.URGENT, damaged) == 50
    assert minutes(Priority.NORMAL, lost) == 70
    assert minutes(Priority.URGENT, lost) == 20
    assert minutes(Priority.NORMAL, damaged, lost) == 70, "of several types the earliest"


def test_evidence_is_complete_when_each_group_has_one() -> None:
    evidence = standard.EVIDENCE
    assert evidence.missing(ProblemType.DAMAGED, [EvidenceKind.VIDEO]) == ()
    assert evidence.missing(ProblemType.DAMAGED, [EvidenceKind.REPORT]) == (
        (EvidenceKind.PHOTO, EvidenceKind.VIDEO),
    )
    assert evidence.missing(ProblemType.LOST, []) == ()


def test_evidence_is_overridden_problem_type_by_problem_type() -> None:
    story = Story()
    required = {ProblemType.LOST: ((EvidenceKind.SCREENSHOT,),)}
    published(story, EvidenceDocument(required=required), "douyin", "s1")
    evidence = policies_of(story).evidence(LATER).values
    assert evidence.missing(ProblemType.LOST, []) == ((EvidenceKind.SCREENSHOT,),)
    assert evidence.missing(ProblemType.DAMAGED, []) != ()


def test_the_ladder_advises_from_the_recorded_dissatisfaction() -> None:
    advised = {level: [rung.rung for rung in standard.LADDER.advised(level)] for level in Level}
    assert advised == {
        Level.LOW: [Rung.COUPON, Rung.MEMBER_PERK],
        Level.MEDIUM: [Rung.COUPON, Rung.MEMBER_PERK, Rung.RED_PACKET],
        Level.HIGH: list(Rung),
    }


def test_a_skipped_rung_is_named() -> None:
    skipped = standard.LADDER.skipped(Rung.RED_PACKET, Level.MEDIUM)
    assert skipped == (Rung.COUPON, Rung.MEMBER_PERK)
    assert standard.LADDER.skipped(Rung.COUPON, Level.LOW) == ()


def test_a_rung_that_is_not_on_the_ladder_skips_none() -> None:
    ladder = standard.LADDER.model_copy(update={"rungs": standard.LADDER.rungs[:2]})
    assert ladder.skipped(Rung.GIFT, Level.HIGH) == ()


def test_a_policys_amount_says_nothing_in_another_currency() -> None:
    cap = Money(amount="10.00", currency="CNY")
    assert (in_currency(cap, "CNY"), in_currency(cap, "USD")) == (1_000, None)


def test_the_shops_zone_is_ready_to_use() -> None:
    assert T0.astimezone(standard.SHOP.tz).hour == 9
    story = Story()
    published(story, ShopDocument(zone="UTC"), "douyin", "s1")
    assert T0.astimezone(policies_of(story).shop(LATER).values.tz).hour == 1


# ------------------------------------------------------------------ properties


@pytest.mark.parametrize(
    ("policy", "document"),
    [
        (WindowPolicy, WindowDocument),
        (EvidencePolicy, EvidenceDocument),
        (RefundAutomationPolicy, RefundAutomationDocument),
        (LadderPolicy, LadderDocument),
        (SilencePolicy, SilenceDocument),
        (SlaTargetsPolicy, SlaTargetsDocument),
        (ProcedurePolicy, ProcedureDocument),
        (ShopPolicy, ShopDocument),
    ],
)
def test_a_document_can_override_each_field_of_its_policy(
    policy: type[Model], document: type[Model]
) -> None:
    whole, parts = (model.model_json_schema()["properties"] for model in (policy, document))
    assert parts.pop("kind")
    assert whole.keys() == parts.keys()
    for name, field in parts.items():
        assert field["default"] is None
        whole[name].pop("title", None)
        assert field["anyOf"] == [whole[name], {"type": "null"}]


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(SCOPES),
        st.integers(0, 5),
        st.none() | st.integers(7, 40),
        st.none() | st.integers(0, 900),
    ),
    max_size=8,
)


@examples(_STEPS, st.integers(0, 6))
def test_what_is_in_force_agrees_with_a_plain_search(
    steps: list[tuple[tuple[str, ...], int, int | None, int | None]], day: int
) -> None:
    story, plain = Story(), dict[str, tuple[tuple[int, int], int | None, int | None]]()
    for number, (scope, ahead, window, warranty) in enumerate(steps):
        if window is None and warranty is None:
            continue
        document = WindowDocument(after_sales_days=window, warranty_days=warranty)
        published(story, document, *scope, effective_from=T0 + days(ahead))
        held = plain.get(scope[-1])
        if ahead <= day and (held is None or held[0] <= (ahead, number)):
            plain[scope[-1]] = ((ahead, number), window, warranty)
    expected = {"after_sales_days": 7, "warranty_days": 365}
    for scope in SCOPES:
        if scope[-1] in plain:
            _, window, warranty = plain[scope[-1]]
            expected["after_sales_days"] = window or expected["after_sales_days"]
            expected["warranty_days"] = expected["warranty_days"] if warranty is None else warranty
    values = policies_of(story).window(T0 + days(day)).values
    assert values.model_dump(include=set(expected)) == expected


@examples(_STEPS, st.integers(0, 6), st.integers(0, 6))
def test_the_buyers_terms_are_never_worse_than_those_of_the_order(
    steps: list[tuple[tuple[str, ...], int, int | None, int | None]], order: int, now: int
) -> None:
    story = Story()
    for scope, ahead, window, warranty in steps:
        if window is not None or warranty is not None:
            document = WindowDocument(after_sales_days=window, warranty_days=warranty)
            published(story, document, *scope, effective_from=T0 + days(ahead))
    policies = policies_of(story)
    placed, decided = T0 + days(min(order, now)), T0 + days(max(order, now))
    terms = policies.terms(placed, decided).values
    for moment in (placed, decided):
        then = policies.window(moment).values
        assert terms.after_sales_days >= then.after_sales_days
        assert terms.warranty_days >= then.warranty_days


def test_resolving_is_cheap() -> None:
    empty, story = Policies(()), Story()
    published(story, SilenceDocument(confirm_days=5), "douyin")
    full = policies_of(story)
    full.sla(LATER)
    count = 20_000
    assert min(timeit(lambda: empty.sla(LATER), number=count) for _ in range(5)) / count < 1e-6
    assert min(timeit(lambda: full.sla(LATER), number=count) for _ in range(5)) / count < 10e-6
