"""Which sessions have ended: for the other services only.

The gateway has no route to this path, and the mesh lets only those services come here that check
access tokens. It is not in the OpenAPI document, which is public. `servicekit.session_follower`
reads it, and this service's tests read it with that.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from servicekit.ended_sessions import PATH
from user_service.api.dependencies import EndedSessionsDep

router = APIRouter(include_in_schema=False)


class Ends(BaseModel):
    """`position` is for the next question. Each id is to be kept for `seconds` from now."""

    position: int
    seconds: int
    sessions: list[UUID]


@router.get(PATH)
async def list_ended_sessions(
    ended_sessions: EndedSessionsDep, after: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> Ends:
    """Return those that ended since the answer with the position `after`; without it, all."""
    ended = await ended_sessions.since(after)
    seconds = int(ended_sessions.kept.total_seconds())
    return Ends.model_validate(
        {"position": ended.position, "seconds": seconds, "sessions": ended.sessions}
    )
