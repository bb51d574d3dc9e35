"""The calls on the caller's sessions."""

from uuid import UUID

from fastapi import APIRouter, status

from servicekit.openapi import problems
from user_service.api import schemas
from user_service.api.dependencies import CallerDep, SessionsDep

router = APIRouter(
    prefix="/api/v1/auth/sessions", tags=["sessions"], responses=problems(401, 403, 503)
)


@router.get("")
async def list_sessions(caller: CallerDep, sessions: SessionsDep) -> list[schemas.Session]:
    """List the caller's sessions, at most 100, the last used first."""
    return [
        schemas.Session.model_validate(
            {**vars(found), "last_used_at": found.used_at, "current": found.id == caller.session_id}
        )
        for found in await sessions.list(caller)
    ]


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
async def end_other_sessions(caller: CallerDep, sessions: SessionsDep) -> None:
    """End the caller's sessions but the one of this request."""
    await sessions.end_others(caller)


@router.delete(
    "/{session_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(404, 422)
)
async def end_session(session_id: UUID, caller: CallerDep, sessions: SessionsDep) -> None:
    """End one of the caller's sessions, and its tokens at every service."""
    await sessions.end(caller, session_id)
