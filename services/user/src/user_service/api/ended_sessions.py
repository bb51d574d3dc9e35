"""Which sessions have ended: for the other services, and for nobody outside.

The gateway has no route to this path, and the mesh lets only those services come here that check
access tokens. It is not in the document, which is the public's; `servicekit.session_follower`
reads it, and this service's tests read it with that.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from servicekit.ended_sessions import PATH
from user_service.domain.ended_sessions import EndedSessions

router = APIRouter(include_in_schema=False)


class Ends(BaseModel):
    """`position` is for the next question. Each id is to be kept for `seconds` from now."""

    position: int
    seconds: int
    sessions: list[UUID]


@router.get(PATH)
def list_ended_sessions(request: Request, after: Annotated[int, Query(ge=0, lt=2**63)] = 0) -> Ends:
    """Those that ended since the answer with the position `after`; without it, all."""
    ended: EndedSessions = request.app.state.ended
    found = ended.since(after)
    seconds = int(ended.kept.total_seconds())
    return Ends.model_validate(
        {"position": found.position, "seconds": seconds, "sessions": found.sessions}
    )
