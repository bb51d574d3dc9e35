"""What the user types as a due date: ISO 8601 first, then words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime

from tasktracker_cli.dates.due import Due, local, whole
from tasktracker_cli.dates.order import Order, of_locale

_DAY = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}|[0-9]{4}-?W[0-9]{2}-?[1-7]", re.ASCII)
_HOUR = r"([01][0-9]|2[0-3])"
_ZONE = r"(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
# The standard library takes anything between the day and the time: 2030-01-31+05:30 as well.
_MOMENT = re.compile(
    rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} {_HOUR}:[0-9]{{2}}(:[0-9]{{2}}([.,][0-9]+)?)?{_ZONE}"
    rf"|[0-9]{{4}}-?[0-9]{{2}}-?[0-9]{{2}}T{_HOUR}(:?[0-9]{{2}}(:?[0-9]{{2}}([.,][0-9]+)?)?)?{_ZONE}",
    re.IGNORECASE,
)


def parse_due(text: str, now: datetime, order: Order = of_locale) -> Due:
    """Read an ISO 8601 date or time, or a phrase like `tomorrow 5pm`; raise UsageError otherwise.

    A day means its end, and a time without an offset is a local one. `order` is asked which
    number of 1.2.2031 is the day.
    """
    try:
        due = parse_iso(text)
    except ValueError:
        # Most dates need no grammar: it is loaded for those that do.
        from tasktracker_cli.dates.refusals import parse_or_explain

        due = parse_or_explain(text, now, order)
    if due.moment < now:
        due = replace(due, notes=(*due.notes, "That is in the past."))
    return due


def parse_iso(text: str) -> Due:
    """Read an ISO 8601 date or date-time; raise ValueError otherwise."""
    text = text.strip()
    if _DAY.fullmatch(text):
        return whole(date.fromisoformat(text))
    if _MOMENT.fullmatch(text):
        return local(datetime.fromisoformat(text.upper()))
    raise ValueError(f"not a date: {text!r}")
