"""Publishing policies. DOMAIN: "every rule is data or policy", invariants (policy versions)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.kernel import Actor, Platform
from domain.policy import (
    Decision,
    HardGround,
    PolicyDocument,
    PolicyPublished,
    PublishPolicy,
    RefundAutomationDocument,
    RefundRule,
    ShopDocument,
    SilenceDocument,
    WindowDocument,
)
from tests.unit.support import (
    ADMIN,
    AGENT,
    PLATFORM,
    SERVICE,
    SUPERVISOR,
    T0,
    days,
    given,
    hours,
    like,
    told,
    when,
)


def publish(document: PolicyDocument, days_ahead: float | None = None) -> PublishPolicy:
    return PublishPolicy(
        platform=Platform.DOUYIN,
        document=document,
        effective_from=None if days_ahead is None else T0 + days(days_ahead),
    )


FIFTEEN = WindowDocument(after_sales_days=15)


@pytest.mark.parametrize("actor", [SUPERVISOR, ADMIN])
def test_a_supervisor_publishes_a_policy_that_holds_from_now(actor: Actor) -> None:
    when(publish(FIFTEEN), by=actor).then(PolicyPublished(document=FIFTEEN, effective_from=T0))


def test_a_policy_can_be_published_ahead_of_its_time() -> None:
    when(publish(FIFTEEN, 3), by=ADMIN).then(
        PolicyPublished(document=FIFTEEN, effective_from=T0 + days(3))
    )


@pytest.mark.parametrize("actor", [AGENT, SERVICE, PLATFORM])
def test_nobody_else_publishes_a_policy(actor: Actor) -> None:
    when(publish(FIFTEEN), by=actor).refused("role_not_allowed")


def test_a_policy_does_not_hold_for_the_past() -> None:
    command = publish(FIFTEEN, -0.001)
    when(command, by=ADMIN).refused("effective_in_past", "effective_from")


def test_a_categorys_policy_names_its_shop() -> None:
    command = PublishPolicy(platform=Platform.DOUYIN, category="shoes", document=FIFTEEN)
    when(command, by=ADMIN).refused("scope_incomplete", "shop")


def test_an_empty_document_is_refused() -> None:
    when(publish(WindowDocument()), by=ADMIN).refused("document_empty", "document")


@pytest.mark.parametrize("zone", ["Asia/Shanghaj", "../etc/passwd", "."])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    when(publish(ShopDocument(zone=zone)), by=ADMIN).refused("zone_unknown", "document.zone")


def test_a_zone_that_exists_is_published() -> None:
    when(publish(ShopDocument(zone="Asia/Urumqi")), by=ADMIN).then(PolicyPublished)


def test_two_rules_of_one_name_are_refused() -> None:
    rule = RefundRule(name="small", then=Decision.PERSON)
    document = RefundAutomationDocument(rules=(rule, rule))
    when(publish(document), by=ADMIN).refused("rule_repeated", "document.rules")


def test_rules_of_different_names_are_published() -> None:
    rules = tuple(RefundRule(name=name, then=Decision.PERSON) for name in ("one", "two"))
    when(publish(RefundAutomationDocument(rules=rules)), by=ADMIN).then(PolicyPublished)


def test_the_same_document_published_twice_changes_nothing() -> None:
    story = given(told(publish(FIFTEEN), by=ADMIN))
    story.when(publish(FIFTEEN), by=ADMIN, at=T0 + hours(1)).then_nothing()


def test_a_document_for_a_later_day_stands_even_where_it_holds_already() -> None:
    story = given(told(publish(FIFTEEN), by=ADMIN))
    story.when(publish(FIFTEEN, 5), by=ADMIN).then(PolicyPublished)
    story.when(publish(FIFTEEN, 5), by=ADMIN).then_nothing()


def test_a_document_can_be_brought_back_after_another() -> None:
    story = given(
        told(publish(FIFTEEN), by=ADMIN),
        told(publish(WindowDocument(after_sales_days=10)), by=ADMIN, at=T0 + hours(1)),
    )
    story.when(publish(FIFTEEN), by=ADMIN, at=T0 + hours(2)).then(like(PolicyPublished))


def test_a_document_that_will_hold_can_be_made_to_hold_earlier() -> None:
    story = given(told(publish(FIFTEEN, 5), by=ADMIN))
    story.when(publish(FIFTEEN, 2), by=ADMIN).then(PolicyPublished)


def test_the_after_sales_window_is_never_under_seven_days() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 7"):
        WindowDocument(after_sales_days=6)


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        PublishPolicy.model_validate(
            {
                "platform": "douyin",
                "document": {"kind": "silence", "confirm_days": 5},
                "effective_from": "2026-05-01T00:00:00",
            }
        )


def test_a_document_is_told_by_its_kind() -> None:
    command = PublishPolicy.model_validate(
        {"platform": "douyin", "document": {"kind": "silence", "confirm_days": 5}}
    )
    assert command.document == SilenceDocument(confirm_days=5)
    with pytest.raises(ValidationError):
        PublishPolicy.model_validate({"platform": "douyin", "document": {"kind": "mood"}})


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "harsh", "then": "reject"},
        {"name": "kind", "then": "approve", "ground": HardGround.DUPLICATE},
    ],
)
def test_a_rule_rejects_only_on_a_hard_ground(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="hard ground"):
        RefundRule.model_validate(rule)


def test_a_published_document_survives_its_stored_form() -> None:
    event = PolicyPublished(document=FIFTEEN, effective_from=T0 + timedelta(hours=1))
    assert PolicyPublished.model_validate_json(event.model_dump_json()) == event
