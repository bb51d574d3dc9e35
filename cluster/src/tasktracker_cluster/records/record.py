"""A record: what one entry of a log says."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Level(StrEnum):
    """How bad it is, from the least. Every program's own words are mapped to these."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


LEVELS = tuple(level.value for level in Level)


@dataclass(frozen=True)
class Origin:
    """Who wrote a log.

    `service` is a job, or an agent: AGENT@MACHINE on a machine that has joined. `task` and
    `instance`, the first eight digits of an allocation, are empty for an agent.
    """

    service: str
    task: str = ""
    instance: str = ""


@dataclass(frozen=True)
class Record:
    """One entry of a log.

    `time` has a time zone. `level` is one of LEVELS. `event` may have several lines. `fields` are
    the rest, as text.
    """

    time: datetime
    origin: Origin
    level: str
    event: str
    fields: dict[str, str]

    @property
    def moment(self) -> str:
        """The time in UTC, with milliseconds."""
        moment = self.time.astimezone(UTC).replace(tzinfo=None)
        return f"{moment.isoformat(timespec='milliseconds')}Z"

    @property
    def order(self) -> tuple[datetime, str, str, str]:
        """What records are sorted by. Those of one log may be equal: they keep their order."""
        origin = self.origin
        return (self.time, origin.service, origin.instance, origin.task)
