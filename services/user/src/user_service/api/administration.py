"""The calls on other people's accounts, for superusers only."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from servicekit import query_strings
from servicekit.fields import Id32
from servicekit.openapi import BODY, problems
from user_service.api import schemas
from user_service.api.dependencies import AdministrationDep, require_superuser
from user_service.domain.accounts import Account

router = APIRouter(
    prefix="/api/v1/auth/users",
    tags=["users"],
    dependencies=[Depends(require_superuser)],
    responses=problems(401, 403, 422, 503),
)


@router.get(
    "", response_model=list[schemas.User], dependencies=[Depends(query_strings.refuse_repeats)]
)
def list_users(
    query: Annotated[schemas.UserQuery, Query()],
    administration: AdministrationDep,
    request: Request,
    response: Response,
) -> list[Account]:
    """Oldest first. While there is more, `Link` with rel="next" leads to the next page."""
    page = administration.page(text=query.q, after=query.cursor, limit=query.limit)
    if page.more:
        following = request.url.include_query_params(cursor=page.accounts[-1].id)
        # Without its host: the gateway's is not ours.
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return page.accounts


@router.patch("/{user_id}", response_model=schemas.User, responses=BODY | problems(404, 409))
def change_user(
    user_id: Id32, body: schemas.UserChange, administration: AdministrationDep
) -> Account:
    """Change the flags given. Who is not active any more is signed out everywhere."""
    return administration.change(user_id, body.model_dump(exclude_unset=True))
