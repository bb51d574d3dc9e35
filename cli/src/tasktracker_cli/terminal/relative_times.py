"""Times as people say them: relative to now, or in full."""

from __future__ import annotations

from datetime import datetime

from tasktracker_cli.dates.due import Due, is_whole_day


def relative_time(due: datetime, now: datetime) -> str:
    """Return a time as people say it: tomorrow, Mon 09:00, in 3 days; a far one as a date.

    The end of a day stands for the whole day, whose time says nothing.
    """
    due, now = due.astimezone(), now.astimezone()
    days = (due.date() - now.date()).days
    clock = "" if is_whole_day(due) else f" {due:%H:%M}"
    if days in {-1, 0, 1}:
        return f"{_distance(days)}{clock}"
    if clock and 1 < days < 7:
        return f"{due:%a}{clock}"
    if -14 <= days < 0 or (not clock and 0 < days <= 14):
        return _distance(days)
    if due.year != now.year:
        return f"{due:%-d %b %Y}"
    return f"{due:%-d %b}{clock if days > 0 else ''}"


def full_date(due: Due, now: datetime) -> str:
    """Return a due date in full: Fri 27 Nov 2026, 17:00 (in 4 days)."""
    moment = due.moment
    hour = "" if due.whole_day else f", {moment:%H:%M}"
    days = (moment.date() - now.astimezone().date()).days
    return f"{moment:%a} {moment.day} {moment:%b} {moment.year}{hour} ({_distance(days)})"


def _distance(days: int) -> str:
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    if days in near:
        return near[days]
    return f"in {days} days" if days > 0 else f"{-days} days ago"
