"""Amounts of money. DOMAIN: invariants (largest remainder, the currency's minor units)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.money import Money, apportion, exponent, money


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.30", "CNY", 1_230),
        ("12.3", "CNY", 1_230),
        ("12", "CNY", 1_200),
        ("1.230", "CNY", 123),
        ("0", "CNY", 0),
        ("12", "JPY", 12),
        ("1.234", "KWD", 1_234),
        ("1000000000000", "CNY", 10**14),
    ],
)
def test_an_amount_is_read_in_the_currencys_minor_units(
    amount: str, currency: str, minor: int
) -> None:
    assert Money(amount=amount, currency=currency).minor == minor


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (1.5, "money_not_exact"),
        (True, "money_not_exact"),
        ("", "money_not_exact"),
        ("1,5", "money_not_exact"),
        (None, "money_not_exact"),
        ("NaN", "money_not_finite"),
        ("Infinity", "money_not_finite"),
        ("-0.01", "money_negative"),
        ("0.001", "money_over_precise"),
        ("1000000000000.01", "money_too_large"),
    ],
)
def test_an_amount_that_is_none_is_refused(amount: Any, code: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Money.model_validate({"amount": amount, "currency": "CNY"})
    assert refusal.value.errors()[0]["type"] == code


@pytest.mark.parametrize("currency", ["cny", "CN", "￥", ""])
def test_a_currency_is_its_three_letters(currency: str) -> None:
    with pytest.raises(ValidationError):
        Money(amount="1", currency=currency)


def test_an_amount_is_written_for_people_with_its_currency() -> None:
    assert money(1_230, "CNY") == "12.30 CNY"
    assert money(12, "JPY") == "12 JPY"


@examples(st.integers(0, 10**9), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_an_amount_written_and_read_is_the_same(minor: int, currency: str) -> None:
    written = money(minor, currency).removesuffix(f" {currency}")
    assert Money(amount=written, currency=currency).minor == minor
    assert exponent(currency) in (0, 2, 3)


@examples(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), max_size=10))
def test_parts_add_up_and_lie_within_a_unit_of_their_exact_share(
    total: int, weights: list[int]
) -> None:
    parts = apportion(total, weights)
    assert len(parts) == len(weights)
    if not weights:
        return
    assert sum(parts) == total
    equal = weights if sum(weights) else [1] * len(weights)
    exact = [Fraction(total * weight, sum(equal)) for weight in equal]
    assert all(abs(part - share) < 1 for part, share in zip(parts, exact, strict=True))
    up = [share - part for part, share in zip(parts, exact, strict=True) if part > share]
    down = [share - part for part, share in zip(parts, exact, strict=True) if part <= share]
    assert all(1 + one >= other for one in up for other in down), "the largest remainders first"


def test_equal_remainders_go_to_the_earlier() -> None:
    assert apportion(100, [1, 1, 1]) == [34, 33, 33]
    assert apportion(2, [0, 0, 0]) == [1, 1, 0]


@examples(st.integers(0, 1_000), st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_what_weighs_nothing_gets_nothing(total: int, weights: list[int]) -> None:
    if sum(weights):
        parts = apportion(total, weights)
        assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)
