"""Due dates in words: each word has a meaning that is used, or the phrase is refused.

    phrase  = [by | on | due] (now | point | hours)
    point   = day, time of day, or both in either order
    hours   = ("in" | "+" | "-") span | span | span "ago"
            | span ("from" | "after" | "before") ("now" | point with a time)

`days`, `clocks` and `spans` have the rest, and `tasktracker-cli help dates` says it to users.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tasktracker_cli.dates.cursor import Cursor, NotUnderstood
from tasktracker_cli.dates.dated import Today
from tasktracker_cli.dates.due import Due, local
from tasktracker_cli.dates.order import Order
from tasktracker_cli.dates.points import point
from tasktracker_cli.dates.spans import Span, span
from tasktracker_cli.dates.words import NUMBERS

LONGEST = 100  # characters
_HOURS = re.compile(r"([01]?[0-9]|2[0-3]) *h *([0-5][0-9])?", re.IGNORECASE)


def parse_phrase(text: str, now: datetime, order: Order) -> Due:
    """Read words like `tomorrow 5pm`, `fri` or `in 2 weeks`.

    `order` says which number of 1.2.2031 is the day. Raises NotUnderstood for what has no meaning
    or several, and ValueError or OverflowError for a day beyond the years 1 to 9999.
    """
    if len(text) > LONGEST:
        raise NotUnderstood(f"it has more than {LONGEST} characters", 0, len(text), ())
    cursor = Cursor(text)
    now = local(now.replace(microsecond=0)).moment
    today = Today(now.date(), order)
    cursor.accept_any(("by", "on", "due"))
    cursor.start = cursor.at
    _refuse_alone(cursor)
    due = _hours(cursor, today, now) or _point(cursor, today, now)
    if due is None or cursor.left:
        raise _unused(cursor)
    return due


def _point(cursor: Cursor, today: Today, now: datetime) -> Due | None:
    if cursor.accept("now"):
        return local(now)
    found = point(cursor, today, now)
    return found.due() if found else None


def _hours(cursor: Cursor, today: Today, now: datetime) -> Due | None:
    """Pass a length of time with hours or minutes, and the time that it is counted from."""
    mark = cursor.at
    lead = cursor.accept_any(("in", "+", "-"))
    length = span(cursor)
    if length is None or not length.exact:
        cursor.at = mark
        return None
    if lead == "-" or (not lead and cursor.accept("ago")):
        return _moved(local(now), -length)
    way = "" if lead else cursor.accept_any(("from", "after", "before"))
    if way:
        start = cursor.at
        due = _point(cursor, today, now)
        if due is None:
            return None
        if due.whole_day:
            why = "hours are counted from a time, not from a day"
            raise cursor.refusal(why, start, f"{cursor.since(start)} 17:00")
        return _moved(due, -length if way == "before" else length)
    if not lead and _HOURS.fullmatch(cursor.since(mark)):
        cursor.at = mark  # as in `17h tomorrow`
        return None
    return _moved(local(now), length)


def _moved(due: Due, length: Span) -> Due:
    """Return what is so much later: days go by the calendar, and two hours are always two hours."""
    day, note = length.days_after(due.moment.replace(tzinfo=None))
    start = local(day) if length.months or length.days else due
    moment = start.moment.astimezone(UTC) + timedelta(seconds=length.seconds)
    notes = (*due.notes, *([note] if note else []))
    return replace(local(moment.astimezone()), notes=notes)


def _refuse_alone(cursor: Cursor) -> None:
    """Raise NotUnderstood for `17h` and `2h30` alone: a time of day, or a length of time."""
    mark = cursor.at
    found = _HOURS.fullmatch(cursor.text[cursor.peek().start :].strip())
    if found is None:
        return
    cursor.take(cursor.left)
    hour, minute = int(found[1]), int(found[2] or 0)
    length = f"in {hour} hours" + (f" {minute} minutes" if minute else "")
    clock = f"{hour:02}:{minute:02}"
    why = f"{found[0]} could be {length} or at {clock}"
    raise cursor.refusal(why, mark, length, clock)


def _unused(cursor: Cursor) -> NotUnderstood:
    """Return the error about the first word that could not be used.

    Where several before it were, as in `3 days after banana`, it is not the first of them.
    """
    if cursor.farthest - cursor.at > 1:
        cursor.at = cursor.farthest
    token = cursor.peek()
    if not token.text:
        return NotUnderstood("it ends too early", token.start, token.end)
    following = cursor.peek(1)
    if following.text in {"am", "pm"}:
        why = f"'{token.text}{following.text}' has no meaning there"
        return NotUnderstood(why, token.start, following.end)
    if token.kind == "number":
        why = f"it is not clear what {token.text} means"
        return NotUnderstood(why, token.start, token.end, _completed(token.text))
    instead = () if token.text in NUMBERS else None
    return NotUnderstood(f"{token.text!r} has no meaning there", token.start, token.end, instead)


def _completed(number: str) -> list[str]:
    """Return what a bare number may be meant to be: a time of day."""
    if not number.isdecimal():
        return []
    if len(number) == 4:
        return [f"{number[:2]}:{number[2:]}" if int(number) < 1900 else f"end of {number}"]
    if len(number) <= 2 and 1 <= int(number) < 12:
        return [f"{number}am", f"{number}pm"]
    return [f"{number}:00"] if len(number) <= 2 and 12 < int(number) < 24 else []
