"""What other machines send to the first one."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tasktracker_cluster.membership import joining
from tasktracker_cluster.membership.reports import MOST_LINES, What
from tasktracker_cluster.topology import ALL_MAIN_TASKS

ROLES = frozenset(role.name for role in joining.ROLES)

Message = TypeVar("Message", bound="_Message")


class MalformedMessageError(Exception):
    """A message without a part that it must have, or with one of another type."""


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, allow_inf_nan=False)


def _for_every_role(requests: dict[str, str]) -> dict[str, str]:
    if missing := ROLES - requests.keys():
        raise ValueError(f"there is none for {', '.join(sorted(missing))}")
    return requests


def _of_a_job(name: str) -> str:
    """Refuse the agents' own logs, which only a machine's operator may read."""
    if name not in ALL_MAIN_TASKS:
        raise ValueError("no job has this name")
    return name


class Joining(_Message):
    """A machine wants to join. It sends a request for a certificate for each of its roles."""

    secret: str
    name: str  # empty: any
    address: str
    version: str
    time: float
    requests: Annotated[dict[str, str], AfterValidator(_for_every_role)]


class Renewal(_Message):
    """A machine needs new certificates."""

    requests: dict[str, str]


class Readiness(_Message):
    """The agents of a machine run. `restored`: its instances must be placed again.

    That is so after a start of the whole machine. `earlier` are allocations of this machine, some
    of which have ended, whose sidecars are of an earlier version: these must be placed again, too.
    """

    restored: bool
    earlier: list[str] = []  # a machine of an earlier version sends none


class Report(_Message):
    """A machine asks what a command prints on the first one."""

    what: What


class Logs(_Message):
    """A machine asks for the last lines of a job's instances. `task` is as in jobs.logs.sources."""

    job: Annotated[str, AfterValidator(_of_a_job)]
    task: str | None
    lines: Annotated[int, Field(ge=0, le=MOST_LINES)]


class Rotated(_Message):
    """The agents of a machine use the new secrets of the rotation with this identifier."""

    identifier: str


def read(kind: type[Message], content: bytes) -> Message:
    """Read a message. Raises MalformedMessageError, which does not repeat what was sent."""
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise MalformedMessageError(
            f"The first machine cannot read this request ({where}: {first['msg']})."
        ) from error
