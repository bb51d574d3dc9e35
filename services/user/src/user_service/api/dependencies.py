"""What routes ask for; the composition root puts it on the application's state.

Coroutines, because FastAPI sends a plain function to a thread of its own.
"""

from typing import Annotated

from fastapi import Depends, Request

from user_service.api.grants import Grants
from user_service.domain.accounts import Accounts
from user_service.domain.sessions import Sessions
from user_service.domain.sign_in import SignIn


async def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


async def _sign_in(request: Request) -> SignIn:
    sign_in: SignIn = request.app.state.sign_in
    return sign_in


async def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


async def _grants(request: Request) -> Grants:
    grants: Grants = request.app.state.grants
    return grants


AccountsDep = Annotated[Accounts, Depends(_accounts)]
SignInDep = Annotated[SignIn, Depends(_sign_in)]
SessionsDep = Annotated[Sessions, Depends(_sessions)]
GrantsDep = Annotated[Grants, Depends(_grants)]
