"""The calls on the caller's account."""

from fastapi import APIRouter, status

from servicekit.openapi import BODY, problems
from user_service.api import openapi_links, schemas
from user_service.api.dependencies import AccountsDep, CallerDep, ClientDep
from user_service.domain.accounts import Account

router = APIRouter(prefix="/api/v1/auth", tags=["auth"], responses=problems(503))


@router.post(
    "/register",
    status_code=status.HTTP_201_CREATED,
    response_model=schemas.User,
    responses=BODY | problems(409, 429) | {201: {"links": openapi_links.REGISTERED}},
)
async def register(body: schemas.Registration, accounts: AccountsDep, client: ClientDep) -> Account:
    """Create an account."""
    return await accounts.register(
        email=body.email,
        username=body.username,
        full_name=body.full_name,
        password=body.password,
        client=client,
    )


@router.get("/me", response_model=schemas.User, responses=problems(401, 403))
async def read_me(caller: CallerDep, accounts: AccountsDep) -> Account:
    """Return the caller's account."""
    return await accounts.signed_in(caller)


@router.patch("/me", response_model=schemas.User, responses=BODY | problems(401, 403, 409, 429))
async def change_me(
    body: schemas.ProfileChange, caller: CallerDep, accounts: AccountsDep, client: ClientDep
) -> Account:
    """Change the fields given and leave the others. The address needs the current password."""
    changes = body.model_dump(exclude_unset=True, exclude={"current_password"})
    return await accounts.change_profile(
        caller, changes, current_password=body.current_password, client=client
    )


@router.post(
    "/me/password",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=BODY | problems(401, 403, 429),
)
async def change_password(
    body: schemas.PasswordChange, caller: CallerDep, accounts: AccountsDep, client: ClientDep
) -> None:
    """Replace the caller's password and end the other sessions."""
    await accounts.change_password(
        caller,
        current=body.current_password,
        new=body.new_password,
        keep=body.refresh_token,
        client=client,
    )
