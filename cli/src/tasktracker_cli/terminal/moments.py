"""Moments, said as people say them."""

from __future__ import annotations

from datetime import datetime

from tasktracker_cli.dates.due import Due, is_whole_day


def relative(due: datetime, now: datetime) -> str:
    """Say a moment as people do: tomorrow, in 3 days, 2 days ago; far ones as a date."""
    due, now = due.astimezone(), now.astimezone()
    days = (due.date() - now.date()).days
    if days in {-1, 0, 1}:
        # The end of a day stands for the whole day: its time says nothing.
        return _distance(days) if is_whole_day(due) else f"{_distance(days)} {due:%H:%M}"
    if -14 <= days <= 14:
        return _distance(days)
    return f"{due:%-d %b}" if due.year == now.year else f"{due:%-d %b %Y}"


def spoken(due: Due, now: datetime) -> str:
    """Say a due date in full: Fri 27 Nov 2026, 17:00 (in 4 days)."""
    moment = due.moment
    hour = "" if due.whole_day else f", {moment:%H:%M}"
    days = (moment.date() - now.astimezone().date()).days
    return f"{moment:%a} {moment.day} {moment:%b} {moment.year}{hour} ({_distance(days)})"


def _distance(days: int) -> str:
    near = {-1: "yesterday", 0: "today", 1: "tomorrow"}
    if days in near:
        return near[days]
    return f"in {days} days" if days > 0 else f"{-days} days ago"
