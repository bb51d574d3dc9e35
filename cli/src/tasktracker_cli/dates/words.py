"""The words that a due date may have, and what each means."""

from __future__ import annotations

from datetime import time
from typing import NamedTuple

WEEKDAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTH_NAMES = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SHORT_WEEKDAYS = {"tues": 1, "weds": 2, "thur": 3, "thurs": 3}

WEEKDAYS = {
    **{name: number for number, name in enumerate(WEEKDAY_NAMES)},
    **{name[:3]: number for number, name in enumerate(WEEKDAY_NAMES)},
    **_SHORT_WEEKDAYS,
}
"""Name of a day to its number; Monday is 0."""

MONTHS = {
    **{name: number for number, name in enumerate(MONTH_NAMES, start=1)},
    **{name[:3]: number for number, name in enumerate(MONTH_NAMES, start=1)},
    "sept": 9,
}

NEAR_DAYS = {
    **dict.fromkeys(("today", "tod"), 0),
    **dict.fromkeys(("tomorrow", "tmr", "tmrw"), 1),
    "yesterday": -1,
}
"""A day to its distance from today."""

_UNITS = {
    "minute": ("min", "mins", "minute", "minutes"),
    "hour": ("h", "hr", "hrs", "hour", "hours"),
    "day": ("d", "day", "days"),
    "week": ("w", "wk", "wks", "week", "weeks"),
    "fortnight": ("fortnight", "fortnights"),
    "month": ("mo", "mos", "month", "months"),
    "year": ("y", "yr", "yrs", "year", "years"),
}
UNITS = {word: unit for unit, words in _UNITS.items() for word in words}
"""A word to the unit that it stands for; a bare m is a minute only after hours."""

PERIODS = ("week", "month", "year")
PERIOD_ENDS = {"eow": "week", "eom": "month", "eoy": "year"}

_COUNTED = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen twenty"
)
NUMBERS = {
    **{word: number for number, word in enumerate(_COUNTED.split())},
    **{"a": 1, "an": 1, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90},
}
FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}


class PartOfDay(NamedTuple):
    """The time that it stands for, and the hours that belong to it."""

    usual: time
    hours: range


PARTS_OF_DAY = {
    "morning": PartOfDay(time(9), range(12)),
    "afternoon": PartOfDay(time(15), range(12, 18)),
    "evening": PartOfDay(time(18), range(16, 24)),
    "night": PartOfDay(time(20), range(18, 24)),
}

_ZONES = (
    "acdt acst adt aedt aest akdt akst art ast awst bst cat cdt cest cet cst eat edt eest eet est"
    " hkt hst ict ist jst kst mdt msk mst ndt nst nzdt nzst pdt pht pkt pst sast sgt wast wat west"
    " wet wib"
)
ZONE_NAMES = frozenset(_ZONES.split())
"""Names that are not one offset: Israel, India and Ireland have an IST, each its own."""

UTC_NAMES = frozenset(("z", "utc", "gmt"))

OTHERS = (
    *("now", "tonight", "noon", "midday", "midnight", "eod", "am", "pm", "h", "m"),
    *("in", "from", "after", "before", "ago", "at", "by", "on", "due", "next", "this", "week"),
    *("end", "start", "beginning", "of", "the", "day", "and", "half", "month", "t"),
)

VOCABULARY = (
    *(*WEEKDAYS, *MONTHS, *NEAR_DAYS, *UNITS, *PERIOD_ENDS, *NUMBERS),
    *(*PARTS_OF_DAY, *UTC_NAMES, *OTHERS),
)
"""Every word, to find the one that a typing mistake was meant to be."""
