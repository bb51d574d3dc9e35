"""A due date: a moment in the user's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tasktracker_cli.dates import zone

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
        """Return the first moment that is not before it: a whole day begins at its midnight."""
        return _midnight(self.moment.date()) if self.whole_day else self.moment

    def after(self) -> datetime:
        """Return the first moment that is after it: a whole day ends at the next midnight."""
        return _midnight(self.moment.date() + timedelta(days=1)) if self.whole_day else self.moment


def whole(day: date) -> Due:
    """Return what is due on a day, which is until its end."""
    return Due(local(datetime.combine(day, END_OF_DAY)).moment, whole_day=True)


def local(moment: datetime) -> Due:
    """Give a time its local offset; say so where the clock is changed and it is not clear which.

    Raises ValueError for a time beyond the years 1 to 9999, and UsageError if TZ is misspelt.
    """
    zone.check()
    try:
        # A moment with an offset is one moment: `fold` would make another one of it.
        folds = (moment.fold,) * 2 if moment.tzinfo else (0, 1)
        placed, second = (moment.replace(fold=fold).astimezone() for fold in folds)
        placed.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None
    if placed.utcoffset() == second.utcoffset():
        return Due(placed)
    if placed.replace(tzinfo=None) == moment:
        twice = f"The clock shows {moment:%H:%M} twice on that day: the first time is meant."
        return Due(placed, notes=(twice,))
    later = max(placed, second)
    return Due(
        later, notes=(f"The clock skips {moment:%H:%M} on that day: {later:%H:%M} is meant.",)
    )


def is_whole_day(due: datetime) -> bool:
    """Say whether a local time is the one that stands for its day."""
    return (due.hour, due.minute) == (END_OF_DAY.hour, END_OF_DAY.minute)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()
