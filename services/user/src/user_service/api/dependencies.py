"""What routes ask for. `create_app` puts it on the application's state.

Coroutines, because FastAPI runs a plain function in a thread.
"""

from typing import Annotated

import structlog
from fastapi import Depends, Request

from servicekit import query_strings
from servicekit.tokens import CurrentPrincipal
from user_service.api.token_issuer import TokenIssuer
from user_service.domain import clients
from user_service.domain.accounts import Accounts, Caller
from user_service.domain.administration import Administration
from user_service.domain.ended_sessions import EndedSessions
from user_service.domain.personal_tokens import PersonalTokens
from user_service.domain.sessions import Sessions
from user_service.domain.sign_in import SignIn

PROGRAM_LENGTH = 100


async def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


async def _administration(request: Request) -> Administration:
    administration: Administration = request.app.state.administration
    return administration


async def _ended_sessions(request: Request) -> EndedSessions:
    ended_sessions: EndedSessions = request.app.state.session_ends
    return ended_sessions


async def _personal_tokens(request: Request) -> PersonalTokens:
    tokens: PersonalTokens = request.app.state.tokens
    return tokens


async def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


async def _sign_in(request: Request) -> SignIn:
    sign_in: SignIn = request.app.state.sign_in
    return sign_in


async def _token_issuer(request: Request) -> TokenIssuer:
    issuer: TokenIssuer = request.app.state.token_issuer
    return issuer


async def _caller(principal: CurrentPrincipal) -> Caller:
    return Caller(principal.user_id, principal.session_id)


async def _client(request: Request) -> str:
    """Return the client behind the gateway, and note it for the request's log lines.

    X-Forwarded-For counts only if the settings say that Traefik alone can send requests, which the
    sidecar's intentions ensure (docs/decisions/0031-sign-in-under-attack.md). Traefik replaces the
    header, so the client's own value does not arrive.
    """
    peer = request.client.host if request.client else ""
    trusted = request.app.state.trust_forwarded_for
    hops = request.headers.getlist("X-Forwarded-For") if trusted else []
    client = clients.behind_gateway(peer, hops)
    structlog.contextvars.bind_contextvars(client=client)
    return client


async def _program(request: Request) -> str | None:
    """Return the client's name of itself, by which its owner recognises it in a list."""
    agent = request.headers.get("User-Agent", "")
    visible = "".join(each for each in agent if each.isascii() and each.isprintable())
    return visible[:PROGRAM_LENGTH].strip() or None


AccountsDep = Annotated[Accounts, Depends(_accounts)]
AdministrationDep = Annotated[Administration, Depends(_administration)]
CallerDep = Annotated[Caller, Depends(_caller)]
ClientDep = Annotated[str, Depends(_client)]
EndedSessionsDep = Annotated[EndedSessions, Depends(_ended_sessions)]
PersonalTokensDep = Annotated[PersonalTokens, Depends(_personal_tokens)]
ProgramDep = Annotated[str | None, Depends(_program)]
SessionsDep = Annotated[Sessions, Depends(_sessions)]
SignInDep = Annotated[SignIn, Depends(_sign_in)]
TokenIssuerDep = Annotated[TokenIssuer, Depends(_token_issuer)]


async def _require_superuser(caller: CallerDep, administration: AdministrationDep) -> None:
    await administration.require_superuser(caller)


# For whole routers, and for calls that do not use the result.
LOGGED_CLIENT = Depends(_client)
SUPERUSER = Depends(_require_superuser)
UNREPEATED_PARAMETERS = Depends(query_strings.refuse_repeats)
