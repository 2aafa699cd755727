"""Values as people and back offices write them: amounts, local times, counts, names."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from domain.money import Money, exponent
from domain.request import Malformed, malformed

SYMBOLS: Final = {
    "¥": ("CNY", "JPY"),
    "元": ("CNY",),
    "RMB": ("CNY",),
    "人民币": ("CNY",),
    "$": ("USD",),
    "US$": ("USD",),
    "€": ("EUR",),
}
"""What stands beside a number, and the currencies it can mean; also any ISO code."""

_AMOUNT = re.compile(
    r"(?P<minus>-?)\s*(?P<before>[^\d\s.,()\-]*)\s*(?P<sign>-?)\s*"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*(?P<after>[^\d\s.,()\-]*)"
)
_LOST = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)
_CLOCK = (
    r"(?:[ T]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d{1,6})?)?"
    r"\s*(?P<offset>Z|[+-]\d{2}:?\d{2})?)?"
)
_YMD = re.compile(r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?" + _CLOCK)
_MDY = re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})" + _CLOCK)

DateOrder = Literal["ymd", "mdy"]


def clean(text: str) -> str:
    """A cell without what spreadsheets add: blanks and tabs around it, an apostrophe or ="…"
    that keeps a long number text."""
    text = text.strip()
    if text[:1] == "=" and text[1:2] == text[-1:] == '"':
        return text[2:-1].strip()
    return text[1:].strip() if text[:1] == "'" else text


def narrow(text: str) -> str:
    """Full-width digits and signs made half-width (Unicode NFKC)."""
    return unicodedata.normalize("NFKC", text).replace("−", "-").strip()


def read_amount(text: str, currency: str, field: str) -> Money:
    """An amount such as ``¥1,299.00``, ``1299元`` or ``CNY 12.3``.

    Malformed: amount_unreadable, money_negative (``-5``, ``(5.00)``), money_over_precise,
    wrong_currency (the sign beside it means another).
    """
    told = narrow(text)
    in_brackets = told.startswith("(") and told.endswith(")")
    found = _AMOUNT.fullmatch(told[1:-1] if in_brackets else told)
    if found is None:
        raise Malformed("amount_unreadable", f"{text!r} is not an amount.", field)
    for beside in (found["before"].upper(), found["after"].upper()):
        if beside and currency not in SYMBOLS.get(beside, (beside,)):
            raise Malformed("wrong_currency", f"{text!r} is not an amount in {currency}.", field)
    sign = "-" if found["minus"] or found["sign"] or in_brackets else ""
    try:
        return Money(amount=sign + found["number"].replace(",", ""), currency=currency)
    except ValidationError as e:
        problem = malformed(e)
        raise Malformed(problem.code, problem.message, field) from e


def round_amount(text: str, currency: str, field: str) -> Money:
    """An amount that went through a binary fraction, e.g. 199.9900055, rounded to the currency's
    minor unit, halves up."""
    try:
        number = Decimal(narrow(text)).quantize(
            Decimal(1).scaleb(-exponent(currency)), rounding=ROUND_HALF_UP
        )
    except InvalidOperation as e:
        raise Malformed("amount_unreadable", f"{text!r} is not an amount.", field) from e
    return read_amount(str(number), currency, field)


def read_time(text: str, zone: ZoneInfo, field: str, order: DateOrder = "ymd") -> datetime:
    """A moment, aware UTC: local time in `zone` unless the text names an offset.

    A local time that the zone left out when its clocks went forward is refused (time_in_gap).
    One that it had twice, when they went back, is taken as the first: a deadline counted from
    there is never later than the true one. Malformed else: time_unreadable.
    """
    found = (_YMD if order == "ymd" else _MDY).fullmatch(narrow(text))
    if found is None or found["hour"] is None:
        raise Malformed("time_unreadable", f"{text!r} is not a date and time.", field)
    year, month, day, hour, minute, second = (
        int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")
    )
    try:
        naive = datetime(year, month, day, hour, minute, second)
    except ValueError as e:
        raise Malformed("time_unreadable", f"{text!r} is not a date and time: {e}.", field) from e
    if found["offset"]:
        return naive.replace(tzinfo=_offset(found["offset"])).astimezone(UTC)
    moment = naive.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != naive:
        raise Malformed("time_in_gap", f"{zone.key} had no {text!r}: its clocks skipped it.", field)
    return moment


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def read_count(text: str, field: str) -> int:
    """A number of units, at least 1."""
    told = narrow(text)
    if not told.isdecimal() or not 1 <= int(told) <= 100_000:
        raise Malformed("count_unreadable", f"{text!r} is not a number of units.", field)
    return int(told)


def read_id(text: str, field: str) -> str:
    """A number or name given by the outside, as it is.

    Malformed: number_lost_digits, where a spreadsheet made 1.23457E+18 of a long number.
    """
    if _LOST.fullmatch(text):
        raise Malformed(
            "number_lost_digits",
            f"{text!r} was a long number; export the column as text.",
            field,
        )
    if not 1 <= len(text) <= 80 or re.search(r"[\s:\x00-\x1f\x7f]", text):
        raise Malformed("id_unreadable", f"{text!r} cannot be a number or name.", field)
    return text


def name_id(text: str, field: str) -> str:
    """A name of several words as one id: blanks and colons become hyphens."""
    return read_id(re.sub(r"[\s:]+", "-", text.strip()), field)


def mend(text: str) -> str:
    """Text whose UTF-8 was once read as Latin-1 (``MÃ©xico``) put right; other text as it is."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
