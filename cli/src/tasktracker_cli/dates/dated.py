"""Days that have a number: `2031-12-24`, `24 dec`, `Dec 24th, 2031`, `the 15th`, `24.12.2031`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tasktracker_cli.dates.cursor import Cursor
from tasktracker_cli.dates.order import DAY_FIRST, MONTH_FIRST, Order
from tasktracker_cli.dates.words import MONTH_NAMES, MONTHS

_YEARS = range(1900, 10000)


@dataclass(frozen=True)
class Today:
    """The user's day, and how the user orders a date's numbers."""

    date: date
    order: Order


@dataclass(frozen=True)
class Day:
    """A day of the calendar.

    `counted` is from the user's today, as tomorrow is; `ended` if its end was named.
    """

    date: date
    counted: bool = False
    ended: bool = False
    notes: tuple[str, ...] = ()


def dated(cursor: Cursor, today: Today) -> Day | None:
    """Pass a date, if one comes next."""
    mark = cursor.at
    kind = cursor.peek().kind
    if kind == "ymd":
        numbers = cursor.take().text.replace("/", "-").split("-")
        return Day(_date(cursor, mark, *map(int, numbers)))
    if kind in {"dmy", "dm"}:
        return _ordered(cursor, today)
    found = _month_and_day(cursor) or _day_and_month(cursor)
    if found is not None:
        month, day = found
        return Day(_with_year(cursor, mark, today, month, day))
    return _ordinal(cursor, mark, today)


def first_to_come(today: date, month: int, day: int) -> date | None:
    """Return this day of the month within the next twelve months, if there is one."""
    for year in (today.year, today.year + 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found >= today:
            return found
    return None


def year(cursor: Cursor) -> int | None:
    """Pass a year, if one comes next."""
    token = cursor.peek()
    if token.kind == "number" and token.text.isdecimal() and len(token.text) == 4:
        return int(cursor.take().text) if int(token.text) in _YEARS else None
    return None


def _ordered(cursor: Cursor, today: Today) -> Day:
    """Pass a date in numbers, the year last or not there."""
    mark = cursor.at
    text = cursor.take().text
    separator = "/" if "/" in text else "."
    first, second, *years = (int(number) for number in text.split(separator) if number)
    order = today.order(separator)
    if first == second or first > 12 or second > 12:
        order = DAY_FIRST if second <= 12 else MONTH_FIRST
    if not order:
        raise cursor.refusal(
            "day and month could be either way round",
            mark,
            *(_iso(today, years, month, day) for month, day in ((second, first), (first, second))),
        )
    day, month = (first, second) if order == DAY_FIRST else (second, first)
    if years:
        return Day(_date(cursor, mark, years[0], month, day))
    return Day(_to_come(cursor, mark, today, month, day))


def _iso(today: Today, years: list[int], month: int, day: int) -> str:
    found = date(years[0], month, day) if years else first_to_come(today.date, month, day)
    return str(found)


def _month_and_day(cursor: Cursor) -> tuple[int, int] | None:
    """Pass `dec 24` or `December 24th`."""
    mark = cursor.at
    month = cursor.look_up(MONTHS)
    day = _number_of_day(cursor) if month else None
    if month and day:
        return month, day
    cursor.at = mark
    return None


def _day_and_month(cursor: Cursor) -> tuple[int, int] | None:
    """Pass `24 dec`, `the 24th of December`."""
    mark = cursor.at
    cursor.accept("the")
    day = _number_of_day(cursor)
    if day:
        cursor.accept("of")
    month = cursor.look_up(MONTHS) if day else None
    if month and day:
        return month, day
    cursor.at = mark
    return None


def _number_of_day(cursor: Cursor) -> int | None:
    token = cursor.peek()
    if token.kind == "ordinal":
        return int(cursor.take().text[:-2])
    if token.kind != "number" or len(token.text) > 2 or not token.text.isdecimal():
        return None
    # `dec 5pm` and `24 dec 17h` have no second number of a day.
    if cursor.peek(1).text in {"am", "pm", "h"}:
        return None
    return int(cursor.take().text)


def _with_year(cursor: Cursor, mark: int, today: Today, month: int, day: int) -> date:
    """Pass the year, if it is there; without it the day is the first to come."""
    after = cursor.at
    cursor.accept(",")
    if (number := year(cursor)) is not None:
        return _date(cursor, mark, number, month, day)
    cursor.at = after
    return _to_come(cursor, mark, today, month, day)


def _ordinal(cursor: Cursor, mark: int, today: Today) -> Day | None:
    """Pass `the 15th`, `15th of next month`."""
    cursor.accept("the")
    if not (text := cursor.accept_kind("ordinal")):
        cursor.at = mark
        return None
    day = int(text[:-2])
    first = today.date.replace(day=1)
    if cursor.accept("of", "this", "month") or cursor.accept("of", "the", "month"):
        return Day(_date(cursor, mark, first.year, first.month, day), counted=True)
    if cursor.accept("of", "next", "month"):
        return Day(_date(cursor, mark, *_next_month(first), day), counted=True)
    for _ in range(12):
        try:
            found = first.replace(day=day)
        except ValueError:
            found = None
        if found and found >= today.date:
            return Day(found, counted=True)
        first = date(*_next_month(first), 1)
    raise cursor.refusal("no month has that day", mark)


def _next_month(day: date) -> tuple[int, int]:
    return (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)


def _to_come(cursor: Cursor, mark: int, today: Today, month: int, day: int) -> date:
    found = first_to_come(today.date, month, day) if month <= 12 else None
    if found is None:
        leap = [f"29 feb {today.date.year // 4 * 4 + 4}"] if (month, day) == (2, 29) else []
        raise cursor.refusal("there is no such day in the next twelve months", mark, *leap)
    return found


def _date(cursor: Cursor, mark: int, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        name = MONTH_NAMES[month - 1].title() if 1 <= month <= 12 else f"month {month}"
        raise cursor.refusal(f"there is no {day} {name} {year}", mark) from None
