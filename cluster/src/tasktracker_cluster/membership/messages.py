"""What other machines send to the first one."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tasktracker_cluster.membership import joining

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
    """The agents of a machine run. `restored`: after a start of the whole machine."""

    restored: bool


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
