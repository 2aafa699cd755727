"""Amounts of money: decimal strings outside, whole minor units inside."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from domain.kernel import Model

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 alphabetic code."""

Minor = Annotated[int, Field(strict=True, ge=0, le=10**15)]
"""An amount in minor units (分, cents) of a currency that stands beside it."""

# ISO 4217: the currencies whose minor unit is not a hundredth.
_EXPONENTS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3, "BHD": 3, "JOD": 3, "TND": 3}


def exponent(currency: str) -> int:
    """How many decimal places the currency's minor unit has."""
    return _EXPONENTS.get(currency, 2)


def _amount(value: Any) -> str:
    if isinstance(value, bool | float):
        raise PydanticCustomError("money_not_exact", "write an amount as a decimal string")
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError, TypeError) as e:
        raise PydanticCustomError("money_not_exact", "write an amount as a decimal string") from e
    if not number.is_finite():
        raise PydanticCustomError("money_not_finite", "an amount is a finite number")
    if number < 0:
        raise PydanticCustomError("money_negative", "an amount is never negative")
    if number > 10**12:
        raise PydanticCustomError("money_too_large", "an amount is at most 10^12")
    return str(value)


class Money(Model):
    """An amount as the outside writes it: ``{"amount": "12.30", "currency": "CNY"}``.

    Refused: floats, negatives, NaN, and more decimals than the currency has
    (`money_over_precise`).
    """

    amount: Annotated[str, BeforeValidator(_amount)]
    currency: Currency

    def model_post_init(self, _context: Any) -> None:
        scaled = Decimal(self.amount).scaleb(exponent(self.currency))
        if scaled != scaled.to_integral_value():
            raise PydanticCustomError(
                "money_over_precise", "the amount has more decimals than the currency"
            )

    @property
    def minor(self) -> int:
        """The amount in minor units."""
        return int(Decimal(self.amount).scaleb(exponent(self.currency)))


def money(minor: int, currency: str) -> str:
    """An amount for people, e.g. ``12.30 CNY``."""
    places = exponent(currency)
    return f"{Decimal(minor).scaleb(-places):.{places}f} {currency}"


def apportion(total: int, weights: list[int]) -> list[int]:
    """Split `total` (minor units, >= 0) by weights so that the parts sum to it exactly.

    Largest remainder (Hamilton): each part is floor(total * w / sum w), the rest goes one by
    one to the largest remainders, ties to the earlier. All weights zero: equal weights.
    """
    if not weights:
        return []
    if sum(weights) == 0:
        weights = [1] * len(weights)
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
