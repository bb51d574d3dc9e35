"""Due dates: what the user types, as a moment in the user's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tasktracker_cli.errors import UsageError

END_OF_DAY = time(23, 59, 59)


@dataclass(frozen=True)
class Due:
    """A moment with an offset; `notes` are sentences about what the user may not expect."""

    moment: datetime
    whole_day: bool = False
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.moment.isoformat()

    def before(self) -> datetime:
        """The first moment that is not before it: a whole day begins at its midnight."""
        return _midnight(self.moment.date()) if self.whole_day else self.moment

    def after(self) -> datetime:
        """The first moment that is after it: a whole day ends at the next midnight."""
        return _midnight(self.moment.date() + timedelta(days=1)) if self.whole_day else self.moment


def parse_due(text: str, now: datetime) -> Due:
    """Read an ISO 8601 date or time, or a phrase like `tomorrow 5pm`; raise UsageError otherwise.

    A day means its end, and a time without an offset is a local one.
    """
    try:
        due = parse_iso(text)
    except ValueError:
        # It loads a parser of natural language, which takes longer than all the rest.
        from tasktracker_cli.editing.phrases import parse_phrase

        due = parse_phrase(text, now)
    if due.moment < now:
        due = Due(due.moment, due.whole_day, (*due.notes, "That is in the past."))
    return due


def parse_iso(text: str) -> Due:
    """Read an ISO 8601 date or date-time; raise ValueError otherwise."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return local(datetime.fromisoformat(text.strip()))
    return whole(day)


def whole(day: date) -> Due:
    """Due on a day, which is until its end."""
    return Due(local(datetime.combine(day, END_OF_DAY)).moment, whole_day=True)


def local(moment: datetime) -> Due:
    """Give a time its local offset; say so where the clock is changed and it is not clear which.

    Raises ValueError for a time beyond the years 1 to 9999.
    """
    try:
        placed, second = (moment.replace(fold=fold).astimezone() for fold in (0, 1))
        placed.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None
    if moment.tzinfo is not None or placed.utcoffset() == second.utcoffset():
        return Due(placed)
    if placed.replace(tzinfo=None) == moment:
        twice = f"The clock shows {moment:%H:%M} twice on that day: the first time is meant."
        return Due(placed, notes=(twice,))
    later = max(placed, second)
    return Due(
        later, notes=(f"The clock skips {moment:%H:%M} on that day: {later:%H:%M} is meant.",)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()


def refused(text: str, why: str = "") -> UsageError:
    """The error for text that is no due date."""
    return UsageError(
        f"{text!r} is not a due date{why and f': {why}'}.",
        "Give one like 2030-12-31, 2030-12-31T17:00, 'tomorrow 5pm', fri, +3d or 'in 2 weeks'.",
    )
