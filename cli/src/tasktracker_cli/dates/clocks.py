"""Times of day in words: `5pm`, `17:00`, `17h`, `noon`, `eod`, `5pm UTC`, `17:00+05:30`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, time, timedelta, timezone, tzinfo

from tasktracker_cli.dates.cursor import Cursor
from tasktracker_cli.dates.words import PARTS_OF_DAY, UTC_NAMES, ZONE_NAMES, PartOfDay

_EARLY = 7  # from this hour on a time without am or pm is taken as it stands


@dataclass(frozen=True)
class Clock:
    """A time of day; none is the whole day. `next_day` is for the midnight that ends it."""

    time: time | None
    zone: tzinfo | None = None
    next_day: bool = False
    notes: tuple[str, ...] = ()


WHOLE_DAY = Clock(None)
_MIDNIGHT = Clock(time(), next_day=True)


def clock(cursor: Cursor, *, named: bool = False) -> Clock | None:
    """Pass a time of day, if one comes next; `named` if a word like `at` says that it must."""
    if cursor.accept("noon") or cursor.accept("midday"):
        return Clock(time(12))
    if cursor.accept("midnight"):
        return _MIDNIGHT
    if _is_end_of_day(cursor):
        return WHOLE_DAY
    mark = cursor.at
    if part := cursor.look_up(PARTS_OF_DAY):
        return _in_part(cursor, mark, part)
    found = _digits(cursor, named=named)
    return found and Clock(found.time, _zone(cursor), notes=found.notes)


def _is_end_of_day(cursor: Cursor) -> bool:
    mark = cursor.at
    if cursor.accept("eod"):
        return True
    cursor.accept("the")
    if cursor.accept("end", "of", "day") or cursor.accept("end", "of", "the", "day"):
        return True
    cursor.at = mark
    return False


def _in_part(cursor: Cursor, mark: int, part: PartOfDay) -> Clock:
    """Pass the time that may follow `evening`: it has to be one in the evening."""
    name = cursor.since(mark)
    after = cursor.at
    named = cursor.accept("at") or cursor.accept("@")
    if named and cursor.accept("midnight") and 23 in part.hours:
        return _MIDNIGHT
    start = cursor.at
    if hour := _bare_hour(cursor):
        fitting = [one for one in (hour, (hour + 12) % 24) if one in part.hours]
        if len(fitting) == 1:
            return Clock(time(fitting[0]))
        cursor.at = start
    found = _digits(cursor, named=named)
    if found is None or found.time is None:
        cursor.at = after
        return Clock(part.usual)
    if found.time.hour not in part.hours:
        # The small hours of a night belong to the next day: it is not clear which is meant.
        instead = [] if found.time.hour < _EARLY else [cursor.since(start)]
        why = f"{found.time:%H:%M} is not part of {name}"
        raise cursor.refusal(why, mark, *instead)
    return Clock(found.time, _zone(cursor))


def _bare_hour(cursor: Cursor) -> int | None:
    """Pass an hour from 1 to 12 with neither minutes nor am or pm."""
    number = cursor.peek()
    if number.kind != "number" or cursor.peek(1).text in {"am", "pm", "h"}:
        return None
    if not number.text.isdecimal() or not 1 <= int(number.text) <= 12:
        return None
    cursor.take()
    return int(number.text)


def _digits(cursor: Cursor, *, named: bool) -> Clock | None:
    mark = cursor.at
    token = cursor.take()
    if token.kind == "time":
        return _colon(cursor, mark, token.text)
    if token.kind == "hm":
        hour, _, minute = token.text.partition("h")
        return Clock(_time(cursor, mark, int(hour), int(minute)))
    if token.kind == "number" and token.text.isdecimal():
        if cursor.peek().text in {"am", "pm"}:
            return Clock(_twelve_hours(cursor, mark, int(token.text), 0))
        if cursor.accept("h"):
            return Clock(_time(cursor, mark, int(token.text), 0))
        if named or cursor.peek().text == "o'clock":
            raise _bare(cursor, mark, token.text)
    cursor.at = mark
    return None


def _colon(cursor: Cursor, mark: int, text: str) -> Clock:
    hour, minute, second = (int(number) for number in f"{text}:0".split(":")[:3])
    if cursor.peek().text in {"am", "pm"}:
        return Clock(_twelve_hours(cursor, mark, hour, minute, second))
    moment = _time(cursor, mark, hour, minute, second)
    if 0 < hour < _EARLY and not text.startswith("0"):
        note = f"Without pm, {text} is {moment:%H:%M} in the morning."
        return Clock(moment, notes=(note,))
    return Clock(moment)


def _time(cursor: Cursor, mark: int, hour: int, minute: int, second: int = 0) -> time:
    try:
        return time(hour, minute, second)
    except ValueError:
        instead = ["midnight"] if (hour, minute) == (24, 0) else []
        raise cursor.refusal("there is no such time of day", mark, *instead) from None


def _twelve_hours(cursor: Cursor, mark: int, hour: int, minute: int, second: int = 0) -> time:
    """Pass am or pm."""
    half = cursor.take().text
    if hour == 12 and half == "am" and not minute and not second:
        raise cursor.refusal(
            "12am could be the start of the day or its end", mark, "00:00", "midnight"
        )
    if not 1 <= hour <= 12:
        instead = [f"{hour}:{minute:02}"] if half == "pm" and 12 < hour < 24 else []
        raise cursor.refusal("am and pm go with hours from 1 to 12", mark, *instead)
    return _time(cursor, mark, hour % 12 + (12 if half == "pm" else 0), minute, second)


def _bare(cursor: Cursor, mark: int, text: str) -> Exception:
    """Return the refusal of `at 5`, which names both meanings."""
    cursor.accept("o'clock")
    number = int(text)
    if 1 <= number < 12:
        why = f"{number} could be {number:02}:00 or {number + 12}:00"
        return cursor.refusal(why, mark, f"{number}am", f"{number}pm")
    if number == 12:
        return cursor.refusal("12 could be noon or midnight", mark, "noon", "midnight")
    instead = [f"{text.zfill(2)}:00"] if number < 24 and len(text) <= 2 else []
    if len(text) == 4 and number < 2400:
        instead = [f"{text[:2]}:{text[2:]}"]
    return cursor.refusal("a time of day needs minutes, am or pm", mark, *instead)


def _zone(cursor: Cursor) -> tzinfo | None:
    """Pass the time zone after a time: Z, UTC, GMT or an offset."""
    mark = cursor.at
    if cursor.accept_any(UTC_NAMES):
        return UTC
    if cursor.accept_any(ZONE_NAMES):
        name = cursor.since(mark)
        why = f"{name} is not one offset for everybody (write it as +05:30 or -05:00)"
        raise cursor.refusal(why, mark, "")
    if not (text := cursor.accept_kind("offset")):
        return None
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 14 or minutes > 59:
        raise cursor.refusal("there is no such offset", mark)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
