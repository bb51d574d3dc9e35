"""The calls on all accounts, for superusers only."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from servicekit.fields import Id32
from servicekit.openapi import BODY, problems
from user_service.api import schemas
from user_service.api.dependencies import (
    SUPERUSER,
    UNREPEATED_PARAMETERS,
    AdministrationDep,
)
from user_service.domain.accounts import Account

router = APIRouter(
    prefix="/api/v1/auth/users",
    tags=["users"],
    dependencies=[SUPERUSER],
    responses=problems(401, 403, 422, 503),
)


@router.get("", response_model=list[schemas.User], dependencies=[UNREPEATED_PARAMETERS])
async def list_users(
    query: Annotated[schemas.UserQuery, Query()],
    administration: AdministrationDep,
    request: Request,
    response: Response,
) -> list[Account]:
    """List accounts, the oldest first. `Link` with rel="next" leads to the next page, if any."""
    page = await administration.page(text=query.q, after=query.cursor, limit=query.limit)
    if page.more:
        following = request.url.include_query_params(cursor=page.accounts[-1].id)
        # Without a host: this service does not know the gateway's.
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return page.accounts


@router.patch("/{user_id}", response_model=schemas.User, responses=BODY | problems(404, 409))
async def change_user(
    user_id: Id32, body: schemas.UserChange, administration: AdministrationDep
) -> Account:
    """Change the flags given. An account that becomes inactive is signed out everywhere."""
    return await administration.change(user_id, body.model_dump(exclude_unset=True))
