"""What routes ask for; the composition root puts it on the application's state.

Coroutines, because FastAPI sends a plain function to a thread of its own.
"""

from typing import Annotated

from fastapi import Depends, Request

from user_service.api.grants import Grants
from user_service.domain.accounts import Accounts


async def _accounts(request: Request) -> Accounts:
    accounts: Accounts = request.app.state.accounts
    return accounts


async def _grants(request: Request) -> Grants:
    grants: Grants = request.app.state.grants
    return grants


AccountsDep = Annotated[Accounts, Depends(_accounts)]
GrantsDep = Annotated[Grants, Depends(_grants)]
