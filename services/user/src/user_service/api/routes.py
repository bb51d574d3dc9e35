"""The calls under /api/v1/auth."""

from typing import Annotated

from fastapi import APIRouter, Form, status
from servicekit.tokens import CurrentPrincipal

from user_service.api import schemas
from user_service.api.dependencies import AccountsDep, GrantsDep
from user_service.domain.accounts import Account

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


@router.post("/register", status_code=status.HTTP_201_CREATED, response_model=schemas.User)
async def register(body: schemas.Registration, accounts: AccountsDep) -> Account:
    """Create an account."""
    return await accounts.register(
        email=body.email,
        username=body.username,
        full_name=body.full_name,
        password=body.password,
    )


@router.post("/login")
async def login(body: schemas.Login, accounts: AccountsDep, grants: GrantsDep) -> schemas.Token:
    """Exchange a username or email address and a password for an access token."""
    return grants.issue(await accounts.authenticate(body.username, body.password))


@router.post("/token")
async def token(
    form: Annotated[schemas.TokenForm, Form()], accounts: AccountsDep, grants: GrantsDep
) -> schemas.Token:
    """The same as login in the form of OAuth2's password grant, for Authorize in /docs."""
    return grants.issue(await accounts.authenticate(form.username, form.password))


@router.get("/me", response_model=schemas.User)
def read_me(principal: CurrentPrincipal, accounts: AccountsDep) -> Account:
    """Return the caller's account."""
    return accounts.active(principal.user_id)


@router.patch("/me", response_model=schemas.User)
def change_me(
    body: schemas.ProfileChange, principal: CurrentPrincipal, accounts: AccountsDep
) -> Account:
    """Change the fields given and leave the others."""
    return accounts.change_profile(principal.user_id, body.model_dump(exclude_unset=True))


@router.post("/me/password", status_code=status.HTTP_204_NO_CONTENT)
async def change_password(
    body: schemas.PasswordChange, principal: CurrentPrincipal, accounts: AccountsDep
) -> None:
    """Replace the caller's password."""
    await accounts.change_password(
        principal.user_id, current=body.current_password, new=body.new_password
    )
