"""The calls on the caller's personal access tokens, and the one by which services check one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, status
from pydantic import BaseModel

from servicekit.openapi import BODY, problems
from servicekit.personal_tokens import PATH
from servicekit.tokens import bearer_token
from user_service.api import schemas
from user_service.api.dependencies import CallerDep, ClientDep, PersonalTokensDep
from user_service.domain.personal_tokens import PersonalToken

router = APIRouter(prefix="/api/v1/auth/tokens", tags=["tokens"], responses=problems(401, 403, 503))
# Not in the OpenAPI document, which is public: the gateway has no route to it, and the mesh lets
# only those services come here that check tokens.
internal = APIRouter(include_in_schema=False)


class Introspection(BaseModel):
    """What a valid token grants. It expires in `seconds`."""

    id: UUID
    user_id: int
    scopes: list[str]
    seconds: float


@router.post("", status_code=status.HTTP_201_CREATED, responses=BODY | problems(409, 429))
async def create_token(
    body: schemas.TokenDraft,
    caller: CallerDep,
    tokens: PersonalTokensDep,
    client: ClientDep,
) -> schemas.NewPersonalToken:
    """Make a token for a program. It is shown in this answer, and never again."""
    made, text = await tokens.create(
        caller,
        name=body.name,
        scopes=body.scopes,
        lifetime=timedelta(days=body.expires_in_days),
        current_password=body.current_password,
        client=client,
    )
    return schemas.NewPersonalToken.model_validate({**_shown(made), "token": text})


@router.get("")
async def list_tokens(caller: CallerDep, tokens: PersonalTokensDep) -> list[schemas.PersonalToken]:
    """List the caller's tokens, at most 50, the newest first."""
    found = await tokens.list(caller)
    return [schemas.PersonalToken.model_validate(_shown(each)) for each in found]


@router.delete("/{token_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(404, 422))
async def revoke_token(token_id: UUID, caller: CallerDep, tokens: PersonalTokensDep) -> None:
    """End a token, at every service."""
    await tokens.revoke(caller, token_id)


@internal.get(PATH)
async def introspect_token(request: Request, tokens: PersonalTokensDep) -> Introspection:
    """Return what the token in the Authorization header grants. 404 if it is not valid."""
    token = await tokens.introspect(bearer_token(request))
    left = (token.expires_at - datetime.now(UTC)).total_seconds()
    return Introspection(
        id=token.id, user_id=token.user_id, scopes=list(token.scopes), seconds=max(left, 0)
    )


def _shown(token: PersonalToken) -> dict[str, Any]:
    return {**vars(token), "last_used_at": token.used_at}
