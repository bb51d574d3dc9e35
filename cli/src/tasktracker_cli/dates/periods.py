"""Ends and starts of weeks, months and years: `end of next month`, `eoy`, `start of december`."""

from __future__ import annotations

from datetime import date, timedelta

from tasktracker_cli.dates.cursor import Cursor
from tasktracker_cli.dates.dated import Day, Today, first_to_come, year
from tasktracker_cli.dates.spans import Span
from tasktracker_cli.dates.words import MONTHS, PERIOD_ENDS, PERIODS

_SUNDAY = "The end of a week is its Sunday."


def edge(cursor: Cursor, today: Today) -> Day | None:
    """Pass the end or the start of a period, if one comes next."""
    if period := cursor.look_up(PERIOD_ENDS):
        return _end(period, today.date)
    mark = cursor.at
    cursor.accept("the")
    at_end = cursor.accept("end", "of")
    if at_end or cursor.accept("start", "of") or cursor.accept("beginning", "of"):
        found = _of_period(cursor, today, end=at_end) or _of_month(cursor, today, end=at_end)
        if found is not None:
            return found
    cursor.at = mark
    return None


def refuse_whole(cursor: Cursor) -> None:
    """Raise NotUnderstood if a period without its end or start comes next."""
    mark = cursor.at
    if which := cursor.accept_any(("this", "next", "the")):
        period = cursor.accept_any((*PERIODS, "weekend"))
        if period:
            raise cursor.refusal(f"a {period} is not one day", mark, *_choices(which, period))
    cursor.at = mark
    if cursor.accept("weekend"):
        raise cursor.refusal("a weekend is not one day", mark, "saturday", "sunday")
    if cursor.look_up(MONTHS):
        year(cursor)
        name = cursor.since(mark)
        raise cursor.refusal("a month is not one day", mark, f"end of {name}", f"start of {name}")
    cursor.at = mark


def _choices(which: str, period: str) -> list[str]:
    if period == "weekend":
        return ["saturday next week", "sunday next week"] if which == "next" else ["sat", "sun"]
    if which != "next":
        return [f"end of this {period}"]
    return [f"in a {period}", f"start of next {period}", f"end of next {period}"]


def _of_period(cursor: Cursor, today: Today, *, end: bool) -> Day | None:
    """Pass `week`, `the month`, `this year`, `next week`."""
    mark = cursor.at
    which = cursor.accept_any(("the", "this", "next"))
    period = cursor.accept_any(PERIODS)
    if not period:
        cursor.at = mark
        return None
    day = today.date
    if which == "next":
        months = {"week": 0, "month": 1, "year": 12}[period]
        day = _start(period, day)
        day = Span(months, 0 if months else 7).days_after(day)[0]
    return _end(period, day) if end else Day(_start(period, day), counted=True)


def _of_month(cursor: Cursor, today: Today, *, end: bool) -> Day | None:
    """Pass `december`, `december 2031`, `2031`."""
    mark = cursor.at
    month, number = cursor.look_up(MONTHS), year(cursor)
    if month is None and number is None:
        cursor.at = mark
        return None
    if month is None:
        start = date(number or 0, 1, 1)
        return Day(_end("year", start).date if end else start)
    if number is None:
        # The month that has not ended yet, or the one that has not begun.
        starts = first_to_come(today.date, month, 1) or today.date
        running = end and today.date.month == month
        number = today.date.year if running else starts.year
    start = date(number, month, 1)
    return Day(_end("month", start).date if end else start)


def _start(period: str, day: date) -> date:
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day.replace(month=1, day=1)


def _end(period: str, day: date) -> Day:
    """Return the last day of the period that the day is in."""
    start = _start(period, day)
    if period == "week":
        return Day(start + timedelta(days=6), counted=True, notes=(_SUNDAY,))
    after = Span(1 if period == "month" else 12).days_after(start)[0]
    return Day(after - timedelta(days=1), counted=True)
