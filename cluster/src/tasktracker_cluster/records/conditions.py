"""What a search asks for: the conditions, as an operator writes them and as records meet them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tasktracker_cluster.errors import BadConditionError
from tasktracker_cluster.records.record import LEVELS, Origin, Record

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")  # as the services accept it


@dataclass(frozen=True)
class Conditions:
    """A record must meet all of them. An empty one, or None, asks for nothing.

    `level` is the least one. `status` is three digits, or one digit and `xx`.
    """

    service: str = ""
    task: str = ""
    since: datetime | None = None
    request_id: str = ""
    level: str = ""
    user_id: int | None = None
    status: str = ""

    def __post_init__(self) -> None:
        if self.request_id and not _ID.fullmatch(self.request_id):
            raise BadConditionError(
                f"{self.request_id!r} is no request id.",
                "It has at most 64 letters, digits, dots, hyphens and underscores.",
            )
        if self.status and not re.fullmatch(r"[1-5](xx|\d\d)", self.status):
            raise BadConditionError(
                f"{self.status!r} is no status of HTTP.", "Write it like 404, or 5xx."
            )

    def concern(self, origin: Origin) -> bool:
        """Return whether they ask for records of this origin."""
        services = ("", origin.service, origin.service.partition("@")[0])
        return self.service in services and self.task in ("", origin.task)

    def may_meet(self, text: str) -> bool:
        """Return False for an entry that cannot meet them: quicker than reading it."""
        return self.request_id in text

    def meets(self, record: Record) -> bool:
        """Return whether a record meets them."""
        return (
            self.concern(record.origin)
            and (self.since is None or record.time >= self.since)
            and (not self.request_id or self._has_id(record))
            and LEVELS.index(record.level) >= LEVELS.index(self.level or LEVELS[0])
            and (self.user_id is None or record.fields.get("user_id") == str(self.user_id))
            and (not self.status or self._has_status(record))
        )

    def _has_id(self, record: Record) -> bool:
        # In a line of text it is a word: the id 7f is not in 7f3a.
        word = re.compile(rf"(?<![\w.-]){re.escape(self.request_id)}(?![\w.-])")
        return any(word.search(text) for text in (record.event, *record.fields.values()))

    def _has_status(self, record: Record) -> bool:
        status = record.fields.get("status", "")
        return len(status) == len(self.status) and status.startswith(self.status.rstrip("x"))


def moment(text: str, now: datetime) -> datetime:
    """Read the value of `--since`: how long ago, or a time, which is in UTC without a zone.

    Raises BadConditionError when it is neither.
    """
    try:
        if found := re.fullmatch(r"(\d{1,9})([smhd])", text):
            return now - timedelta(**{UNITS[found[2]]: int(found[1])})
        time = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise BadConditionError(
            f"{text!r} is no time.", "Write it like 90s, 15m, 1h or 2d, or 2026-11-27T20:00Z."
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
