"""Phrases of the grammar, each with the moment that it means.

The moments come from zoneinfo and dateutil, which the tested code does not use.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.relativedelta import MO, SU, relativedelta
from dateutil.rrule import DAILY, rrule
from hypothesis import strategies as st

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
END = time(23, 59, 59)


@dataclass(frozen=True)
class Said:
    """A phrase, and the local time or the exact moment (in UTC) that it means."""

    phrase: str
    moment: datetime
    whole_day: bool = False


def instant(said: Said, zone: ZoneInfo) -> datetime:
    """Return the moment in UTC; a skipped hour counts on from the offset before it."""
    moment = said.moment
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


@st.composite
def days(draw: Any, now: datetime) -> tuple[str, date]:
    """Give a phrase for a day, and the day."""
    kind = draw(st.sampled_from([_near, _weekday, _dated, _ordinal, _edge, _length, _anchored]))
    words, day = kind(draw, now.date())
    return words, day


def _near(draw: Any, today: date) -> tuple[str, date]:
    words, distance = draw(
        st.sampled_from(
            [
                ("today", 0),
                ("tomorrow", 1),
                ("tmr", 1),
                ("yesterday", -1),
                ("the day after tomorrow", 2),
                ("day before yesterday", -2),
            ]
        )
    )
    return words, today + timedelta(days=distance)


def _weekday(draw: Any, today: date) -> tuple[str, date]:
    number = draw(st.integers(0, 6))
    name = WEEKDAYS[number][: draw(st.sampled_from([3, None]))]
    monday = today + relativedelta(weekday=MO(-1))
    next_week = monday + timedelta(days=7 + number)
    forms = [
        (name, today + relativedelta(days=1, weekday=number)),
        (f"{name} next week", next_week),
        (f"{name} this week", monday + timedelta(days=number)),
    ]
    if number <= today.weekday():
        forms.append((f"next {name}", next_week))
    if number >= today.weekday():
        weeks = draw(st.integers(1, 9))
        day = monday + timedelta(days=number)
        forms.append((f"this {name}", day))
        forms.append((f"{name} in {weeks} weeks", day + timedelta(weeks=weeks)))
    return draw(st.sampled_from(forms))  # type: ignore[no-any-return] # draw is untyped


def _dated(draw: Any, today: date) -> tuple[str, date]:
    day = draw(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
    month = MONTHS[day.month - 1]
    forms = [
        f"{day}",
        f"{day.year}/{day.month}/{day.day}",
        f"{day.day} {month} {day.year}",
        f"{month[:3]} {day.day}, {day.year}",
        f"{WEEKDAYS[day.weekday()]}, {day.day} {month[:3]} {day.year}",
    ]
    if day.day > 12 or day.day == day.month:
        forms += [f"{day.day}.{day.month}.{day.year}", f"{day.month}/{day.day}/{day.year}"]
    if today <= day < today + relativedelta(years=1):
        forms += [f"{day.day} {month}", f"{month[:3]} {day.day}"]
    return draw(st.sampled_from(forms)), day


def _ordinal(draw: Any, today: date) -> tuple[str, date]:
    number = draw(st.integers(1, 31))
    ending = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}.get(number, "th")
    start = datetime.combine(today, time())
    first = rrule(DAILY, dtstart=start, bymonthday=number, count=1)[0].date()
    return f"{draw(st.sampled_from(['the ', '']))}{number}{ending}", first


def _edge(draw: Any, today: date) -> tuple[str, date]:
    following = today + relativedelta(months=1)
    forms = [
        ("eow", today + relativedelta(weekday=SU)),
        ("end of the week", today + relativedelta(weekday=SU)),
        ("end of next week", today + relativedelta(days=7, weekday=SU)),
        ("start of next week", today + relativedelta(days=1, weekday=MO)),
        ("eom", today + relativedelta(day=31)),
        ("end of this month", today + relativedelta(day=31)),
        ("end of next month", following + relativedelta(day=31)),
        ("start of next month", following + relativedelta(day=1)),
        ("eoy", date(today.year, 12, 31)),
        ("end of next year", date(today.year + 1, 12, 31)),
        (f"end of feb {today.year + 1}", date(today.year + 1, 3, 1) - timedelta(days=1)),
    ]
    return draw(st.sampled_from(forms))  # type: ignore[no-any-return] # draw is untyped


@st.composite
def calendar_lengths(draw: Any) -> tuple[str, relativedelta]:
    """Give a length of days or more, in words."""
    count = draw(st.integers(0, 60))
    unit, short = draw(
        st.sampled_from([("day", "d"), ("week", "w"), ("month", "mo"), ("year", "y")])
    )
    words = draw(st.sampled_from([f"{count} {unit}s", f"{count}{short}", f"{count} {short}"]))
    if count == 1:
        words = draw(st.sampled_from([f"a {unit}", f"one {unit}"]))
    return words, relativedelta(**{f"{unit}s": count})


def _length(draw: Any, today: date) -> tuple[str, date]:
    words, length = draw(calendar_lengths())
    before, after = draw(
        st.sampled_from([("in ", ""), ("+", ""), ("", " from now"), ("", " from today")])
    )
    return f"{before}{words}{after}", today + length


def _anchored(draw: Any, today: date) -> tuple[str, date]:
    words, length = draw(calendar_lengths())
    kind = draw(st.sampled_from([_near, _weekday, _dated, _ordinal, _edge]))
    anchor, day = kind(draw, today)
    way = draw(st.sampled_from(["after", "from", "before"]))
    return f"{words} {way} {anchor}", day - length if way == "before" else day + length


@st.composite
def times(draw: Any) -> tuple[str, time | None]:
    """Give a phrase for a time of day, and the time; none for midnight, the end of the day."""
    moment = draw(st.times()).replace(second=0, microsecond=0, fold=0)
    hour = moment.hour % 12 or 12
    half = "am" if moment.hour < 12 else "pm"
    forms: list[tuple[str, time | None]] = [
        (f"{moment:%H:%M}", moment),
        (f"{hour}:{moment:%M}{half}", moment),
        (f"{moment:%H}h{moment:%M}", moment),
        ("noon", time(12)),
        ("midnight", None),
        ("17h", time(17)),
        (f"{draw(st.integers(1, 11))} pm", None),
    ]
    words, found = draw(st.sampled_from(forms))
    if words.endswith(" pm"):
        return words, time(int(words.removesuffix(" pm")) + 12)
    if words.endswith(("12:00am", "12:00 am")):
        return "00:00", time()
    return words, found


@st.composite
def sayings(draw: Any, now: datetime) -> Said:
    """Give any phrase; `now` is local, and has its zone."""
    kind = draw(st.sampled_from(["day", "moment", "time", "hours"]))
    if kind == "day":
        words, day = draw(days(now))
        if draw(st.integers(0, 9)) == 0:
            # Alone it is counted from today, too.
            words, length = draw(calendar_lengths())
            day = now.date() + length
        return Said(_dressed(draw, words), datetime.combine(day, END), whole_day=True)
    if kind == "hours":
        return _hours(draw, now)
    clock, moment = draw(times())
    if kind == "time":
        at = _could_be_length(clock) or draw(st.booleans())
        return Said(f"at {clock}" if at else clock, _first(now, moment))
    words, day = draw(days(now))
    loose = () if _could_be_length(clock) else ("{0} {1}", "{0}, {1}", "{1} {0}")
    joined = draw(st.sampled_from(["{0} at {1}", *loose]))
    return Said(_dressed(draw, joined.format(words, clock)), _on(day, moment))


def _could_be_length(clock: str) -> bool:
    """Say whether it is like 17h and 17h30, which have to follow `at` to be times for sure."""
    return "h" in clock and clock[0].isdigit()


def _on(day: date, moment: time | None) -> datetime:
    after = day if moment else day + timedelta(days=1)
    return datetime.combine(after, moment or time())


def _first(now: datetime, moment: time | None) -> datetime:
    """Return the first such local time after now."""
    today = _on(now.date(), moment)
    here = today.replace(tzinfo=now.tzinfo)
    return today if here.astimezone(UTC) > now.astimezone(UTC) else today + timedelta(days=1)


def _hours(draw: Any, now: datetime) -> Said:
    minutes = draw(st.integers(1, 5000))
    hours, rest = divmod(minutes, 60)
    words = f"{minutes} minutes"
    if hours and rest:
        words = draw(st.sampled_from([words, f"{hours}h{rest}m", f"{hours} hours {rest} min"]))
    if rest == 30:
        words = draw(st.sampled_from([words, f"{hours}.5 hours", f"{hours}½ hours"]))
    length = timedelta(minutes=minutes)
    if draw(st.booleans()):
        before, after, sign = draw(
            st.sampled_from([("in ", "", 1), ("+", "", 1), ("", " ago", -1), ("", " from now", 1)])
        )
        return Said(f"{before}{words}{after}", now.astimezone(UTC) + sign * length)
    day_words, day = draw(days(now))
    clock, moment = draw(times())
    anchor = _on(day, moment).replace(tzinfo=now.tzinfo).astimezone(UTC)
    way = draw(st.sampled_from(["after", "from", "before"]))
    found = anchor - length if way == "before" else anchor + length
    return Said(f"{words} {way} {day_words} at {clock}", found)


def _dressed(draw: Any, words: str) -> str:
    """Give the same words as other people would type them."""
    changed = draw(st.sampled_from([str, str.upper, str.title, lambda text: f" {text}  "]))(words)
    return str(changed).replace(" ", draw(st.sampled_from([" ", "  "])))
