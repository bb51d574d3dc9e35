"""A day, a time of day, or both in either order: what hours may be counted from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from tasktracker_cli.dates.clocks import Clock, clock
from tasktracker_cli.dates.cursor import Cursor
from tasktracker_cli.dates.dated import Day, Today
from tasktracker_cli.dates.days import day
from tasktracker_cli.dates.due import Due, local, whole


@dataclass(frozen=True)
class Point:
    """A day, and a time on it unless the whole day is meant; the time is local without a zone."""

    day: date
    time: time | None = None
    zone: tzinfo | None = None
    notes: tuple[str, ...] = ()

    def due(self) -> Due:
        """Return it as a moment; ValueError beyond the years 1 to 9999."""
        if self.time is None:
            due = whole(self.day)
        else:
            due = local(datetime.combine(self.day, self.time, self.zone))
        return replace(due, notes=(*self.notes, *due.notes))


def point(cursor: Cursor, today: Today, now: datetime) -> Point | None:
    """Pass a day, a time of day, or both, if they come next."""
    found_day: Day | None = None
    found_clock: Clock | None = None
    day_mark = clock_mark = cursor.at
    while True:
        mark = cursor.at
        named = _joined(cursor) if found_day or found_clock else _at(cursor)
        start = cursor.at
        if found_clock is None and (found_clock := clock(cursor, named=named)):
            clock_mark = start
        elif found_day is None and not named and (found_day := day(cursor, today)):
            day_mark = start
        else:
            cursor.at = mark
            break
    if found_day and found_clock:
        if found_day.ended and found_clock.time is not None:
            raise cursor.refusal("the end of a day has no other time", clock_mark, "")
        if found_day.counted and _is_elsewhere(found_clock, today, now):
            raise cursor.refusal("it is another day in that time zone now", day_mark)
        return _on_day(found_day, found_clock)
    if found_day:
        return Point(found_day.date, notes=found_day.notes)
    return _first_to_come(found_clock, today, now) if found_clock else None


def _joined(cursor: Cursor) -> bool:
    """Pass what may stand between a day and a time; say whether a time must follow."""
    if cursor.peek(-1).kind == "ymd" and cursor.accept("t"):
        return True
    cursor.accept(",")
    if _at(cursor):
        return True
    cursor.accept_any(("on", "by"))
    return False


def _at(cursor: Cursor) -> bool:
    return cursor.accept("at") or cursor.accept("@")


def _is_elsewhere(clock: Clock, today: Today, now: datetime) -> bool:
    """Say whether the time's zone has another day than the user: tomorrow would be two days."""
    return clock.zone is not None and now.astimezone(clock.zone).date() != today.date


def _on_day(day: Day, clock: Clock) -> Point:
    notes = (*day.notes, *clock.notes)
    if clock.next_day:
        midnight = f"Midnight is the end of {day.date:%A}."
        return Point(day.date + timedelta(days=1), clock.time, notes=(*notes, midnight))
    return Point(day.date, clock.time, clock.zone, notes)


def _first_to_come(clock: Clock, today: Today, now: datetime) -> Point:
    """Return the first such time after now; the end of the day is today's."""
    if clock.time is None:
        return Point(today.date)
    first = now.astimezone(clock.zone).date() if clock.zone else today.date
    found = Point(first, clock.time, clock.zone, clock.notes)
    if clock.next_day or found.due().moment <= now:
        return replace(found, day=first + timedelta(days=1))
    return found
