"""Lengths of time in words: `3 days`, `1h30m`, `half an hour`, `a year and two months`."""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from tasktracker_cli.dates.cursor import Cursor, NotUnderstood
from tasktracker_cli.dates.words import FRACTIONS, MONTH_NAMES, NUMBERS, UNITS

_Day = TypeVar("_Day", date, datetime)

_ORDER = ("year", "month", "fortnight", "week", "day", "hour", "minute")
_MONTHS = {"year": 12, "month": 1}
_DAYS = {"fortnight": 14, "week": 7, "day": 1}
_SECONDS = {"hour": 3600, "minute": 60}


@dataclass(frozen=True)
class Span:
    """So many months, days and seconds; `exact` if it has hours or minutes."""

    months: int = 0
    days: int = 0
    seconds: float = 0
    exact: bool = False

    def __neg__(self) -> Span:
        return Span(-self.months, -self.days, -self.seconds, self.exact)

    @property
    def weeks(self) -> int | None:
        """How many weeks it is, if it is nothing but weeks."""
        plain = not (self.months or self.exact or self.days % 7)
        return self.days // 7 if plain and self.days else None

    def days_after(self, start: _Day) -> tuple[_Day, str]:
        """Go its months and days on in the calendar; return the day, and a note or nothing.

        A month without that day gives its last one. Raises OverflowError beyond the years 1 to
        9999.
        """
        year, month = divmod(start.year * 12 + start.month - 1 + self.months, 12)
        if not 1 <= year <= 9999:
            raise OverflowError
        last = calendar.monthrange(year, month + 1)[1]
        moved = start.replace(year=year, month=month + 1, day=min(start.day, last))
        note = ""
        if start.day > last:
            name = MONTH_NAMES[month].title()
            note = f"{name} {year} has {last} days: the last one is meant."
        return moved + timedelta(days=self.days), note


def span(cursor: Cursor) -> Span | None:
    """Pass a length of time, if one comes next."""
    total, last = Span(), -1
    while True:
        mark = cursor.at
        if last >= 0:
            _refuse_time(cursor)
            cursor.accept_any(("and", ","))
        start = cursor.at
        found = _item(cursor, after_hours=last == _ORDER.index("hour"))
        if found is None:
            cursor.at = mark
            return total if last >= 0 else None
        amount, unit = found
        if _ORDER.index(unit) <= last:
            raise cursor.refusal("units go from the long ones to the short ones, each once", start)
        last = _ORDER.index(unit)
        total = _with(cursor, start, total, amount, unit)


def _refuse_time(cursor: Cursor) -> None:
    """Refuse the 17h of `in 3 days 17h`, which could be a time of day; 3d17h is a length."""
    before, mark = cursor.peek(-1), cursor.at
    cursor.accept(",")
    start = cursor.at
    token = cursor.take()
    hour, letter, minute = token.text.partition("h")
    apart = before.end < token.start and cursor.accept("h")
    if (apart or token.kind == "hm") and hour.isdecimal() and int(hour) < 24:
        length = f"and {int(hour)} hours" + (f" {int(minute)} minutes" if letter else "")
        instead = (length, f"at {int(hour):02}:{minute or '00'}")
        raise cursor.refusal("that could be a length or a time of day", start, *instead)
    cursor.at = mark


def _item(cursor: Cursor, *, after_hours: bool) -> tuple[float, str] | None:
    """Pass a number and its unit."""
    mark = cursor.at
    amount = _amount(cursor)
    if amount is None:
        return None
    if cursor.peek().text == "m":
        cursor.take()
        if not after_hours:
            number = f"{amount:g}"
            raise cursor.refusal(
                "m could be minutes or months", mark, f"{number} minutes", f"{number} months"
            )
        return amount, "minute"
    unit = cursor.look_up(UNITS)
    if unit is None:
        cursor.at = mark
        return None
    return amount + _and_a_half(cursor), unit


def _amount(cursor: Cursor) -> float | None:
    mark = cursor.at
    if cursor.accept("a", "half"):
        return 0.5
    number = cursor.look_up(NUMBERS)
    if number is not None:
        return number + _and_a_half(cursor)
    if cursor.accept("half"):
        cursor.accept_any(("a", "an"))
        return 0.5
    if not (text := cursor.accept_kind("number")):
        return None
    if len(text.partition(".")[0].partition(",")[0]) > 4:
        raise cursor.refusal("a number has up to four digits", mark)
    return _number(text) + _and_a_half(cursor)


def _number(text: str) -> float:
    whole = text.rstrip("".join(FRACTIONS)).replace(",", ".")
    return float(whole or 0) + FRACTIONS.get(text[-1], 0)


def _and_a_half(cursor: Cursor) -> float:
    """Pass `and a half`, unless that is of a unit of its own."""
    mark = cursor.at
    if cursor.accept("and", "a", "half"):
        if cursor.peek().text not in UNITS or cursor.peek(-4).text not in UNITS:
            return 0.5
        cursor.at = mark
    return 0


def _with(cursor: Cursor, mark: int, total: Span, amount: float, unit: str) -> Span:
    if unit in _SECONDS:
        if unit == "minute" and amount % 1:
            raise cursor.refusal("a minute is not divided", mark)
        return replace(total, seconds=total.seconds + amount * _SECONDS[unit], exact=True)
    if amount % 1:
        raise _divided(cursor, mark, amount, unit)
    if unit in _MONTHS:
        return replace(total, months=total.months + int(amount) * _MONTHS[unit])
    return replace(total, days=total.days + int(amount) * _DAYS[unit])


def _divided(cursor: Cursor, mark: int, amount: float, unit: str) -> NotUnderstood:
    smaller = {"year": (12, "months"), "week": (7, "days"), "fortnight": (14, "days")}
    count, name = smaller.get(unit, (24, "hours") if unit == "day" else (1, ""))
    instead = [f"{amount * count:g} {name}"] if name and amount * count % 1 == 0 else []
    return cursor.refusal(f"a {unit} is not divided", mark, *instead)
