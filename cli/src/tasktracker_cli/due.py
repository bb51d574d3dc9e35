"""Due dates: what the user types, and how long it is until then."""

from __future__ import annotations

from datetime import date, datetime, time

from tasktracker_cli.errors import UsageError


def parse_due(text: str) -> str:
    """Turn an ISO 8601 date or date-time into one with an offset; raise UsageError otherwise.

    A date means the end of that day, and a time without an offset is a local one.
    """
    try:
        return _parse(text.strip()).astimezone().isoformat()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is not a due date.",
            "Give a date like 2030-12-31, or a time like 2030-12-31T17:00.",
        ) from None


def _parse(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)
    return datetime.combine(day, time(23, 59, 59))


def relative(due: datetime, now: datetime) -> str:
    """Say a moment as people do: tomorrow, in 3 days, 2 days ago; far ones as a date."""
    due, now = due.astimezone(), now.astimezone()
    days = (due.date() - now.date()).days
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    if days in near:
        # The end of a day stands for the whole day: its time says nothing.
        whole_day = (due.hour, due.minute) == (23, 59)
        return near[days] if whole_day else f"{near[days]} {due:%H:%M}"
    if 0 < days <= 14:
        return f"in {days} days"
    if -14 <= days < 0:
        return f"{-days} days ago"
    return f"{due:%-d %b}" if due.year == now.year else f"{due:%-d %b %Y}"
