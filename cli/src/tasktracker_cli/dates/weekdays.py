"""Weekdays: `fri`, `this friday`, `monday next week`, `friday in two weeks`, `fri 27 nov`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from tasktracker_cli.dates.cursor import Cursor
from tasktracker_cli.dates.dated import Day, Today, dated
from tasktracker_cli.dates.spans import span
from tasktracker_cli.dates.words import WEEKDAY_NAMES, WEEKDAYS


def weekday(cursor: Cursor, today: Today) -> Day | None:
    """Pass a day of the week, if one comes next, and what says which one it is."""
    mark = cursor.at
    weeks = _weeks_on(cursor)
    which = "" if weeks is not None else cursor.accept_any(("this", "next"))
    number = cursor.look_up(WEEKDAYS)
    if number is None:
        cursor.at = mark
        return None
    if weeks is not None:
        return Day(_this_week(today.date, number) + timedelta(weeks=weeks), counted=True)
    if which:
        return _this_or_next(cursor, mark, today.date, which, number)
    found = _with_date(cursor, mark, today, number) or _in_week(cursor, today.date, number)
    return found or _in_weeks(cursor, mark, today.date, number) or _to_come(today.date, number)


def _in_weeks(cursor: Cursor, mark: int, today: date, number: int) -> Day | None:
    """Pass `in two weeks` after the name of a day that is passed, if that comes next."""
    after = cursor.at
    length = span(cursor) if cursor.accept("in") else None
    if length is None:
        cursor.at = after
        return None
    if length.weeks is None:
        raise cursor.refusal("a weekday goes with weeks only", mark)
    return week_on(cursor, mark, today, number, length.weeks)


def week_on(cursor: Cursor, mark: int, today: date, number: int, weeks: int) -> Day:
    """Return this day so many weeks on. Raises NotUnderstood if this week's is over: two fit."""
    found = _this_week(today, number) + timedelta(weeks=weeks)
    if number < today.weekday():
        later = found + timedelta(weeks=1)
        why = f"it could be {_said(found)} or {_said(later)}"
        raise cursor.refusal(why, mark, str(found), str(later))
    return Day(found, counted=True)


def _to_come(today: date, number: int) -> Day:
    """Return the first such day after today."""
    found = _this_week(today, number)
    if found > today:
        return Day(found, counted=True)
    note = f"Today is a {_name(number)}: the one in a week is meant."
    return Day(found + timedelta(weeks=1), counted=True, notes=(note,) if found == today else ())


def _this_or_next(cursor: Cursor, mark: int, today: date, which: str, number: int) -> Day:
    """Return the day of this week or the next where that has one meaning only."""
    found = _this_week(today, number)
    name = WEEKDAY_NAMES[number]
    if which == "this":
        if found < today:
            raise cursor.refusal(f"this week's {_name(number)} is over", mark, name, str(found))
        return Day(found, counted=True)
    later = found + timedelta(weeks=1)
    if found > today:
        why = f"it could be {_said(found)} or {_said(later)}"
        raise cursor.refusal(why, mark, name, f"{name} next week")
    return Day(later, counted=True)


def _with_date(cursor: Cursor, mark: int, today: Today, number: int) -> Day | None:
    """Pass the date that may follow: it has to be such a day."""
    after = cursor.at
    cursor.accept(",")
    start = cursor.at
    found = dated(cursor, today)
    if found is None:
        cursor.at = after
        return None
    if found.date.weekday() != number:
        why = f"{found.date} is a {_name(found.date.weekday())}"
        raise cursor.refusal(why, mark, cursor.since(start))
    return replace(found, counted=False)


def _in_week(cursor: Cursor, today: date, number: int) -> Day | None:
    """Pass `this week` or `next week` after the name of a day."""
    after = cursor.at
    cursor.accept("of")
    weeks = _weeks_on(cursor)
    if weeks is None:
        cursor.at = after
        return None
    return Day(_this_week(today, number) + timedelta(weeks=weeks), counted=True)


def _weeks_on(cursor: Cursor) -> int | None:
    """Pass `this week` or `next week`; return how many weeks on that is."""
    if cursor.accept("this", "week"):
        return 0
    return 1 if cursor.accept("next", "week") else None


def _this_week(today: date, number: int) -> date:
    """Return the day in the week from Monday to Sunday that today is in."""
    return today + timedelta(days=number - today.weekday())


def _name(number: int) -> str:
    return WEEKDAY_NAMES[number].title()


def _said(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
