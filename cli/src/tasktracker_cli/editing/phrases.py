"""Due dates in words: dateparser reads them, and this module refuses what it would only guess.

It takes any number for a day or a month, and a clock time that does not exist for none at all.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from dateparser.date import DateDataParser

from tasktracker_cli.editing.due import Due, local, refused, whole

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ANY_WEEKDAY = "|".join(f"{day[:3]}({day[3:]})?" for day in WEEKDAYS)

# Short forms that people type and dateparser does not know.
_REWRITTEN = (
    (r"^\+\s*", "in "),
    (r"(?<=\d)\s*w\b", " weeks"),
    (r"(?<=\d)\s*mo\b", " months"),
    (r"(?<=\d)\s*y\b", " years"),
    (r"^(eod|end of (the )?day)$", "today"),
    (r"\b(this )?weekend$", "saturday"),
    (r"\b(tues|thur|thurs)\b", lambda day: day[0][:3]),
)
_UNIT = r"(m|min|mins|minutes?|h|hrs?|hours?|d|days?|weeks?|months?|years?)"
_MONTH = r"(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
_DAY = r"\d{1,2}(st|nd|rd|th)?"
# The only company that a number may be in.
_NUMBERS = (
    r"\b\d{4}-(0[1-9]|1[0-2])-\d\d\b",
    r"\b([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?(?!\s*[ap]m)",
    r"\b(0?[1-9]|1[0-2])(:[0-5]\d)?\s*[ap]m\b",
    rf"(?<![\d.])\d{{1,3}}(\.\d)?\s*{_UNIT}(?![a-z])",
    rf"\b{_DAY} (of )?{_MONTH}(,? \d{{4}})?\b",
    rf"\b{_MONTH} {_DAY}(,? \d{{4}})?(?!\d|:|\s*[ap]m)",
    r"\b\d{1,2}(?P<separator>[./])\d{1,2}(?P=separator)\d{4}\b",
)
_CLOCK_UNIT = r"\d\s*(m|min|mins|minutes?|h|hrs?|hours?)\b|\b(hour|minute)"
_VAGUE = {"month": r"\bmonths?\b", "year": r"\byears?\b"}


class _Reading(NamedTuple):
    moment: datetime
    period: str  # dateparser's word for how exact it is: time, part_of_day, day, week, ...


def parse_phrase(text: str, now: datetime) -> Due:
    """Read words like `tomorrow 5pm`, `fri` or `in 2 weeks`; raise UsageError otherwise."""
    words = " ".join(text.lower().split())
    for pattern, replacement in _REWRITTEN:
        words = re.sub(pattern, replacement, words)
    _check_numbers(text, words)
    try:
        reading = _read(words, now)
        due = _due(reading)
    except (ValueError, OverflowError):
        raise refused(text) from None
    _check_weekday(text, words, due)
    if re.search(rf"\bnext ({_ANY_WEEKDAY})\b", words):
        first = f"The first {due.moment:%A} to come is meant."
        due = Due(due.moment, due.whole_day, (*due.notes, first))
    return due


def _read(words: str, now: datetime) -> _Reading:
    # Two hours from now are two hours, even if the clock is changed meanwhile: UTC has no changes.
    exact = re.search(_CLOCK_UNIT, words)
    base = now.astimezone(UTC) if exact else now.astimezone()
    settings = {
        "PREFER_DATES_FROM": "future",
        "RELATIVE_BASE": base.replace(tzinfo=None, microsecond=0),
        "RETURN_TIME_AS_PERIOD": True,
    }
    found = DateDataParser(languages=["en"], settings=settings).get_date_data(words)
    if found.date_obj is None or found.period is None:
        raise ValueError("not a date")
    # `december` has no day and `2027` no month: dateparser puts today's there.
    if not re.search(_VAGUE.get(found.period, ""), words):
        raise ValueError("not a day")
    moment = found.date_obj
    if exact and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _Reading(moment, found.period)


def _due(reading: _Reading) -> Due:
    if reading.period in {"time", "part_of_day"}:
        return local(reading.moment)
    return whole(reading.moment.date())


def _check_numbers(text: str, words: str) -> None:
    if date := re.search(_NUMBERS[-1], words):
        first, second = (int(number) for number in re.split("[./]", date[0])[:2])
        if first <= 12 and second <= 12 and first != second:
            raise refused(text, "day and month could be either way round")
    rest = words
    for pattern in _NUMBERS:
        rest = re.sub(pattern, " ", rest)
    if number := re.search(r"\d\S*", rest):
        raise refused(text, f"it is not clear what {number[0]} means")


def _check_weekday(text: str, words: str, due: Due) -> None:
    actual = WEEKDAYS[due.moment.weekday()]
    for day in WEEKDAYS:
        if re.search(rf"\b{day[:3]}({day[3:]})?\b", words) and day != actual:
            raise refused(text, f"{due.moment:%Y-%m-%d} is a {actual.title()}")
