"""The calls that open, continue and end a session."""

from typing import Annotated

from fastapi import APIRouter, Form, status

from servicekit.openapi import BODY, problems
from user_service.api import openapi_links, schemas
from user_service.api.dependencies import (
    LOGGED_CLIENT,
    ClientDep,
    ProgramDep,
    SessionsDep,
    SignInDep,
    TokenIssuerDep,
)

router = APIRouter(
    prefix="/api/v1/auth",
    tags=["auth"],
    dependencies=[LOGGED_CLIENT],
    responses=BODY | problems(503),
)


@router.post("/login", responses=problems(401, 429) | {200: {"links": openapi_links.SIGNED_IN}})
async def login(
    body: schemas.Login,
    client: ClientDep,
    program: ProgramDep,
    sign_in: SignInDep,
    issuer: TokenIssuerDep,
) -> schemas.Token:
    """Exchange a username or email address and a password for tokens."""
    session = await sign_in.open_session(body.username, body.password, client, program)
    return issuer.issue(session)


@router.post("/token", responses=problems(401, 429) | {200: {"links": openapi_links.SIGNED_IN}})
async def token(
    form: Annotated[schemas.TokenForm, Form()],
    client: ClientDep,
    program: ProgramDep,
    sign_in: SignInDep,
    issuer: TokenIssuerDep,
) -> schemas.Token:
    """Log in by the form of OAuth2's password grant, which Authorize in /docs sends."""
    session = await sign_in.open_session(form.username, form.password, client, program)
    return issuer.issue(session)


@router.post("/refresh", responses=problems(401) | {200: {"links": openapi_links.SIGNED_IN}})
async def refresh(
    body: schemas.Refresh, sessions: SessionsDep, issuer: TokenIssuerDep
) -> schemas.Token:
    """Exchange a refresh token for new tokens. Using one twice ends its session."""
    return issuer.issue(await sessions.refresh(body.refresh_token))


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
async def logout(body: schemas.Refresh, sessions: SessionsDep) -> None:
    """End the session of the refresh token. Answers the same whatever the token."""
    await sessions.close(body.refresh_token)
