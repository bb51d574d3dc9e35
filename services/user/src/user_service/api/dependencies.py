"""What routes ask for; the composition root puts it on the application's state.

Coroutines, because FastAPI sends a plain function to a thread of its own.
"""

from typing import Annotated

import structlog
from fastapi import Depends, Request

from servicekit.tokens import CurrentPrincipal
from user_service.api.grants import Grants
from user_service.domain import clients
from user_service.domain.accounts import Accounts, Caller
from user_service.domain.administration import Administration
from user_service.domain.personal_tokens import PersonalTokens
from user_service.domain.sessions import Sessions
from user_service.domain.sign_in import SignIn

PROGRAM_LENGTH = 100


async def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


async def _sign_in(request: Request) -> SignIn:
    sign_in: SignIn = request.app.state.sign_in
    return sign_in


async def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


async def _personal_tokens(request: Request) -> PersonalTokens:
    tokens: PersonalTokens = request.app.state.tokens
    return tokens


async def _administration(request: Request) -> Administration:
    administration: Administration = request.app.state.administration
    return administration


async def _grants(request: Request) -> Grants:
    grants: Grants = request.app.state.grants
    return grants


async def _caller(principal: CurrentPrincipal) -> Caller:
    return Caller(principal.user_id, principal.session_id)


async def client(request: Request) -> str:
    """Who is at the other end of the gateway. The request's log lines name him from here on.

    X-Forwarded-For is believed only where the settings say that nobody but Traefik can ask: the
    sidecar's intentions see to it (docs/decisions/0031-sign-in-under-attack.md). Traefik writes the
    header anew, so what a client puts in it does not arrive.
    """
    peer = request.client.host if request.client else ""
    believed = request.app.state.trust_forwarded_for
    hops = request.headers.getlist("X-Forwarded-For") if believed else []
    found = clients.behind(peer, hops)
    structlog.contextvars.bind_contextvars(client=found)
    return found


async def _program(request: Request) -> str | None:
    """What the client calls itself, for its owner to know it by in a list."""
    said = request.headers.get("User-Agent", "")
    visible = "".join(each for each in said if each.isascii() and each.isprintable())
    return visible[:PROGRAM_LENGTH].strip() or None


CallerDep = Annotated[Caller, Depends(_caller)]
AccountsDep = Annotated[Accounts, Depends(_accounts)]
SignInDep = Annotated[SignIn, Depends(_sign_in)]
SessionsDep = Annotated[Sessions, Depends(_sessions)]
ClientDep = Annotated[str, Depends(client)]
ProgramDep = Annotated[str | None, Depends(_program)]
PersonalTokensDep = Annotated[PersonalTokens, Depends(_personal_tokens)]
AdministrationDep = Annotated[Administration, Depends(_administration)]
GrantsDep = Annotated[Grants, Depends(_grants)]


def require_superuser(caller: CallerDep, administration: AdministrationDep) -> None:
    """For whole routers. A plain function, because it blocks on the database."""
    administration.require_superuser(caller)
