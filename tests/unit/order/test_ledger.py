"""The refund ledger. DOMAIN: invariants (caps per order line over all its cases)."""

from __future__ import annotations

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.case.values import LineAmount, Party
from domain.kernel import Emit, Rejected
from domain.order import (
    CaseEndedOnOrder,
    CaseOpenedOnOrder,
    FreightReimbursed,
    GoodwillBooked,
    LedgerStatus,
    OrderEvent,
    RefundReleased,
    RefundReserved,
    RefundReversed,
    RefundSettled,
    release,
    require_refundable,
    reserve,
    reverse,
    settle,
)
from tests.unit.order.build import CASE, OTHER_CASE, STREAM, amounts, line, order_of, placed
from tests.unit.support import T0, Story, given, hours


def two_lines() -> Story:
    """Line 1 paid 100.00, line 2 paid 50.00, outbound freight 8.00."""
    return given(placed(line("1", "100.00"), line("2", "50.00"), freight="8.00"))


def happened(*events: OrderEvent) -> list[Emit]:
    return [Emit(STREAM, event) for event in events]


def reservation(key: str = "k1", case_id: str = CASE, **by_line: int) -> RefundReserved:
    return RefundReserved(action_key=key, case_id=case_id, lines=amounts(**by_line), attempt=1)


def settlement(key: str = "k1", by: Party = Party.SHOP, **by_line: int) -> RefundSettled:
    return RefundSettled(action_key=key, case_id=CASE, lines=amounts(**by_line), by=by)


# ------------------------------------------------------------------- caps


def test_a_line_can_be_refunded_up_to_what_was_paid_plus_the_freight() -> None:
    order = order_of(two_lines())
    assert order.refundable("1") == 10_800
    assert order.refundable_total(("1", "2")) == 15_800
    require_refundable(order, amounts(l1=10_800))


def test_the_freight_is_refunded_once_over_all_lines() -> None:
    order = order_of(two_lines().given(*happened(reservation(l1=10_500))))
    assert order.freight_left == 300
    assert (order.refundable("1"), order.refundable("2")) == (300, 5_300)
    with pytest.raises(Rejected) as refusal:
        require_refundable(order, amounts(l1=300, l2=5_300), "amounts")
    assert (refusal.value.code, refusal.value.field) == ("refund_exceeds_paid", "amounts")


def test_what_another_case_reserved_is_no_longer_refundable() -> None:
    order = order_of(two_lines().given(*happened(reservation(case_id=OTHER_CASE, l2=4_000))))
    assert order.booked("2") == 4_000
    assert order.refundable("2") == 1_800
    with pytest.raises(Rejected, match=r"18.01 CNY asked, 18.00 CNY left"):
        require_refundable(order, amounts(l2=1_801))


def test_a_refund_needs_a_known_order() -> None:
    with pytest.raises(Rejected) as refusal:
        require_refundable(order_of(Story()), amounts(l1=1))
    assert refusal.value.code == "unknown_order"


def test_a_refund_names_lines_of_the_order() -> None:
    with pytest.raises(Rejected) as refusal:
        require_refundable(order_of(two_lines()), amounts(l9=1))
    assert refusal.value.code == "unknown_line"


def test_a_platforms_own_refund_counts_although_it_was_never_reserved() -> None:
    order = order_of(two_lines().given(*happened(settlement("p1", Party.PLATFORM, l1=9_000))))
    assert order.refundable("1") == 1_800


def test_a_platforms_own_refund_above_the_cap_is_told_as_over_refunded() -> None:
    story = two_lines().given(
        *happened(reservation(l1=10_000), settlement("p1", Party.PLATFORM, l1=1_000))
    )
    order = order_of(story)
    assert order.over_refunded() == {"1": 200}
    assert (order.refundable("1"), order.refundable("2"), order.freight_left) == (0, 5_000, 0)


def test_after_an_over_refund_another_line_keeps_its_own_cap() -> None:
    order = order_of(two_lines().given(*happened(settlement("p1", Party.PLATFORM, l1=20_000))))
    require_refundable(order, amounts(l2=5_000))
    with pytest.raises(Rejected):
        require_refundable(order, amounts(l2=5_001))


def test_nothing_is_over_refunded_while_the_order_is_unknown() -> None:
    story = given(*happened(settlement("p1", Party.PLATFORM, l1=20_000)))
    assert order_of(story).over_refunded() == {}


def test_an_order_corrected_below_its_refunds_is_told_as_over_refunded() -> None:
    story = given(placed(line("1", "100.00")), *happened(settlement(l1=10_000)))
    assert order_of(story).over_refunded() == {}
    assert order_of(story.given(placed(line("1", "90.00")))).over_refunded() == {"1": 1_000}


# ------------------------------------------------------- reserve and settle


def test_a_payout_reserves_its_money() -> None:
    order = order_of(two_lines())
    emit = reserve(order, "k1", CASE, amounts(l1=500), 1)
    assert emit == Emit(STREAM, reservation(l1=500))
    assert order_of(two_lines().given(emit)).reserved_total == 500


def test_a_settled_payout_counts_with_what_was_really_paid() -> None:
    story = two_lines().given(*happened(reservation(l1=500), settlement(l1=400)))
    assert order_of(story).booked("1") == 400
    assert order_of(story).reserved_total == 0


def test_a_failed_payout_frees_its_money() -> None:
    story = two_lines().given(*happened(reservation(l1=500)))
    freed = release(order_of(story), "k1")
    assert freed == happened(RefundReleased(action_key="k1"))
    assert order_of(story.given(*freed)).booked("1") == 0


def test_a_bounced_payout_frees_its_money() -> None:
    story = two_lines().given(*happened(reservation(l1=500), settlement(l1=500)))
    bounced = reverse(order_of(story), "k1")
    assert bounced == happened(RefundReversed(action_key="k1"))
    assert order_of(story.given(*bounced)).booked("1") == 0


def test_a_retry_keeps_its_key_and_counts_its_attempts() -> None:
    story = two_lines().given(*happened(reservation(l1=500), RefundReleased(action_key="k1")))
    story.given(reserve(order_of(story), "k1", CASE, amounts(l1=500), 2))
    entry = order_of(story).refund("k1")
    assert entry is not None
    assert (entry.status, entry.attempt) == (LedgerStatus.RESERVED, 2)
    assert order_of(story).booked("1") == 500


@pytest.mark.parametrize(
    ("before", "case_id", "minor", "code"),
    [
        ([reservation(l1=500)], CASE, 500, "action_key_in_flight"),
        ([reservation(l1=500), settlement(l1=500)], CASE, 500, "action_key_paid"),
        (
            [reservation(l1=500), settlement(l1=500), RefundReversed(action_key="k1")],
            CASE,
            500,
            "action_key_paid",
        ),
        (
            [reservation(l1=500), RefundReleased(action_key="k1")],
            OTHER_CASE,
            500,
            "action_key_reused",
        ),
        ([reservation(l1=500), RefundReleased(action_key="k1")], CASE, 501, "action_key_reused"),
    ],
)
def test_one_key_never_pays_twice(
    before: list[OrderEvent], case_id: str, minor: int, code: str
) -> None:
    order = order_of(two_lines().given(*happened(*before)))
    with pytest.raises(Rejected) as refusal:
        reserve(order, "k1", case_id, amounts(l1=minor), 2)
    assert refusal.value.code == code


def test_a_settlement_told_twice_changes_nothing() -> None:
    order = order_of(two_lines().given(*happened(settlement(l1=500))))
    assert settle(order, "k1", CASE, amounts(l1=500), Party.SHOP) == []


def test_a_settlement_is_booked_whatever_was_reserved() -> None:
    order = order_of(two_lines())
    booked = settle(order, "p1", CASE, amounts(l1=99_000), Party.PLATFORM)
    assert booked == happened(settlement("p1", Party.PLATFORM, l1=99_000))


def test_only_a_reserved_payout_is_released_and_only_a_settled_one_reversed() -> None:
    story = two_lines()
    assert release(order_of(story), "k1") == []
    assert reverse(order_of(story), "k1") == []
    story.given(*happened(reservation(l1=500)))
    assert reverse(order_of(story), "k1") == []
    story.given(*happened(settlement(l1=500)))
    assert release(order_of(story), "k1") == []


def test_the_end_of_an_unknown_payout_changes_nothing_in_a_replay() -> None:
    story = two_lines().given(
        *happened(RefundReleased(action_key="k9"), RefundReversed(action_key="k9"))
    )
    assert order_of(story).refunds == {}


def test_goodwill_and_return_freight_stand_outside_the_caps() -> None:
    story = two_lines().given(
        *happened(
            GoodwillBooked(action_key="g1", case_id=CASE, amount=1_000),
            GoodwillBooked(action_key="g2", case_id=OTHER_CASE, amount=500),
            FreightReimbursed(action_key="f1", case_id=CASE, amount=1_200),
        )
    )
    order = order_of(story)
    assert (order.goodwill_total, order.freight_reimbursed) == (1_500, 1_200)
    assert order.refundable_total(("1", "2")) == 15_800


# ------------------------------------------------------------------- cases


def opened(case_id: str = CASE, *lines: str, late: float = 0) -> CaseOpenedOnOrder:
    return CaseOpenedOnOrder(case_id=case_id, lines=lines, complained_at=T0 + hours(late))


def test_the_order_knows_the_open_case_about_a_line() -> None:
    order = order_of(two_lines().given(*happened(opened(CASE, "1"), opened(OTHER_CASE, "2"))))
    assert (order.open_case_on("1"), order.open_case_on("2")) == (CASE, OTHER_CASE)
    assert order.open_case_on("3") is None


def test_an_ended_case_is_remembered_but_not_open() -> None:
    story = two_lines().given(*happened(opened(CASE, "1"), CaseEndedOnOrder(case_id=CASE)))
    assert order_of(story).open_case_on("1") is None
    assert order_of(story).cases_of("1") == (CASE,)
    story.given(*happened(opened(OTHER_CASE, "1")))
    assert order_of(story).open_case_on("1") == OTHER_CASE
    assert order_of(story).cases_of("1") == (CASE, OTHER_CASE)


def test_a_case_that_grows_keeps_its_lines_and_its_earliest_complaint() -> None:
    story = two_lines().given(*happened(opened(CASE, "1", late=5), opened(CASE, "2", late=1)))
    case = order_of(story).cases[CASE]
    assert (case.lines, case.complained_at) == (("1", "2"), T0 + hours(1))


def test_the_end_of_an_unknown_case_changes_nothing_in_a_replay() -> None:
    assert order_of(given(*happened(CaseEndedOnOrder(case_id=CASE)))).cases == {}


# -------------------------------------------------------------- properties

_KEYS = st.sampled_from(["k1", "k2", "k3", "k4"])
_LINES = st.dictionaries(st.sampled_from(["1", "2"]), st.integers(1, 12_000), min_size=1)


class Ledger(RuleBasedStateMachine):
    """Random payouts of two cases, their results and the platform's own refunds, against a
    model that counts money only."""

    def __init__(self) -> None:
        super().__init__()
        self.story = two_lines()
        self.held: dict[str, dict[str, int]] = {}
        self.paid: dict[str, dict[str, int]] = {}
        self.platform_paid = False

    def booked(self, name: str) -> int:
        entries = [*self.held.values(), *self.paid.values()]
        return sum(entry.get(name, 0) for entry in entries)

    @rule(key=_KEYS, by_line=_LINES, case_id=st.sampled_from([CASE, OTHER_CASE]))
    def ask(self, key: str, by_line: dict[str, int], case_id: str) -> None:
        beyond = sum(
            max(0, self.booked(name) + by_line.get(name, 0) - paid)
            for name, paid in (("1", 10_000), ("2", 5_000))
        )
        lines = [LineAmount(line=name, amount=minor) for name, minor in by_line.items()]
        try:
            emit = reserve(order_of(self.story), key, case_id, lines, 1)
        except Rejected as refusal:
            if refusal.code == "refund_exceeds_paid":
                assert beyond > 800
            return
        assert beyond <= 800 or self.platform_paid
        assert key not in self.held
        assert key not in self.paid
        self.held[key] = by_line
        self.story.given(emit)

    @rule(key=_KEYS)
    def succeed(self, key: str) -> None:
        entry = order_of(self.story).refund(key)
        if entry is None or key not in self.held:
            return
        self.story.given(*settle(order_of(self.story), key, CASE, entry.lines, Party.SHOP))
        self.paid[key] = self.held.pop(key)

    @rule(key=_KEYS)
    def fail(self, key: str) -> None:
        freed = release(order_of(self.story), key)
        assert bool(freed) == (key in self.held)
        self.held.pop(key, None)
        self.story.given(*freed)

    @rule(key=_KEYS)
    def bounce(self, key: str) -> None:
        bounced = reverse(order_of(self.story), key)
        assert bool(bounced) == (key in self.paid)
        self.paid.pop(key, None)
        self.story.given(*bounced)

    @precondition(lambda self: not self.platform_paid)
    @rule(by_line=_LINES)
    def platform_refunds(self, by_line: dict[str, int]) -> None:
        lines = [LineAmount(line=name, amount=minor) for name, minor in by_line.items()]
        self.story.given(*settle(order_of(self.story), "p1", None, lines, Party.PLATFORM))
        self.paid["p1"] = by_line
        self.platform_paid = True

    @invariant()
    def the_ledger_counts_as_the_model(self) -> None:
        order = order_of(self.story)
        for name in ("1", "2"):
            assert order.booked(name) == self.booked(name)

    @invariant()
    def only_the_platform_breaks_the_caps(self) -> None:
        order = order_of(self.story)
        beyond = max(0, self.booked("1") - 10_000) + max(0, self.booked("2") - 5_000)
        assert sum(order.over_refunded().values()) == max(0, beyond - 800)
        if not self.platform_paid:
            assert order.over_refunded() == {}

    @invariant()
    def what_is_left_can_be_booked_and_not_a_cent_more(self) -> None:
        order = order_of(self.story)
        for name in ("1", "2"):
            left = order.refundable(name)
            assert order.excess([LineAmount(line=name, amount=left)]) == 0
            assert order.excess([LineAmount(line=name, amount=left + 1)]) == 1


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@examples(st.lists(st.sampled_from(["1", "2"]), max_size=4))
def test_the_freight_counts_once_however_often_a_line_is_named(names: list[str]) -> None:
    order = order_of(two_lines())
    paid = sum({"1": 10_000, "2": 5_000}[name] for name in set(names))
    assert order.refundable_total(names) == paid + 800
