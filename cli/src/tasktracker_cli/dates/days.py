"""Any day in words; `3 days after tomorrow` and `in 2 weeks` are days, too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tasktracker_cli.dates.cursor import Cursor
from tasktracker_cli.dates.dated import Day, Today, dated
from tasktracker_cli.dates.periods import edge, refuse_whole
from tasktracker_cli.dates.spans import Span, span
from tasktracker_cli.dates.weekdays import week_on, weekday
from tasktracker_cli.dates.words import NEAR_DAYS, PARTS_OF_DAY, WEEKDAYS


def day(cursor: Cursor, today: Today) -> Day | None:
    """Pass a day, if one comes next."""
    found = (
        _near(cursor, today)
        or weekday(cursor, today)
        or edge(cursor, today)
        or _end_of_day(cursor, today)
        or _moved(cursor, today)
        or dated(cursor, today)
    )
    if found is None:
        refuse_whole(cursor)
    return found


def _near(cursor: Cursor, today: Today) -> Day | None:
    """Pass `tomorrow`, or the `this` of `this evening`."""
    days = cursor.look_up(NEAR_DAYS)
    if days is None and cursor.peek(1).text in PARTS_OF_DAY and cursor.accept("this"):
        days = 0
    return None if days is None else Day(today.date + timedelta(days=days), counted=True)


def _end_of_day(cursor: Cursor, today: Today) -> Day | None:
    """Pass `end of tomorrow`."""
    mark = cursor.at
    cursor.accept("the")
    if cursor.accept("end", "of"):
        found = _near(cursor, today) or weekday(cursor, today) or dated(cursor, today)
        if found is not None:
            return replace(found, ended=True)
    cursor.at = mark
    return None


def _moved(cursor: Cursor, today: Today) -> Day | None:
    """Pass a length of days, weeks, months or years, and the day that it is counted from."""
    mark = cursor.at
    first = cursor.at == cursor.start
    lead = cursor.accept_any(("in", "+", "-") if first else ("in", "+"))
    length = _the_day(cursor) or span(cursor)
    if length is None or length.exact:
        cursor.at = mark
        return None
    if lead == "-" or (not lead and cursor.accept("ago")):
        return _counted(Day(today.date, counted=True), -length)
    way = "" if lead else cursor.accept_any(("from", "after", "before"))
    if way:
        start = Day(today.date, counted=True) if cursor.accept("now") else day(cursor, today)
        if start is None or start.ended:
            cursor.at = mark
            return None
        return _counted(start, -length if way == "before" else length)
    if not lead and not first:
        cursor.at = mark
        return None
    if lead == "in" and length.weeks is not None:
        found = _on_weekday(cursor, mark, today, length.weeks)
        if found is not None:
            return found
    return _counted(Day(today.date, counted=True), length)


def _the_day(cursor: Cursor) -> Span | None:
    """Pass the first words of `the day after tomorrow`."""
    mark = cursor.at
    cursor.accept("the")
    if cursor.peek(1).text in {"after", "before"} and cursor.accept("day"):
        return Span(days=1)
    cursor.at = mark
    return None


def _on_weekday(cursor: Cursor, mark: int, today: Today, weeks: int) -> Day | None:
    """Pass the weekday of `in two weeks on friday`."""
    after = cursor.at
    cursor.accept("on")
    number = cursor.look_up(WEEKDAYS)
    if number is None:
        cursor.at = after
        return None
    return week_on(cursor, mark, today.date, number, weeks)


def _counted(start: Day, length: Span) -> Day:
    moved, note = length.days_after(start.date)
    return Day(moved, start.counted, notes=(*start.notes, *([note] if note else [])))
