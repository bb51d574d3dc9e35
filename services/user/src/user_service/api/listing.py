"""The query string of the list of users, and the cursor that its next page starts from."""

import base64
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, WithJsonSchema
from pydantic_core import PydanticCustomError

from servicekit.fields import CleanText, Id32
from user_service.domain.accounts import Account

_ID = TypeAdapter(Id32)


def cursor_after(account: Account) -> str:
    """The cursor of the page that begins after the account."""
    return base64.urlsafe_b64encode(str(account.id).encode()).decode()


def _position(cursor: Any) -> int:
    try:
        return _ID.validate_json(base64.urlsafe_b64decode(cursor))
    except ValueError:
        raise PydanticCustomError("cursor", "Not a cursor that a list gave") from None


class UserQuery(BaseModel):
    """The query string of the list. A cursor is read as the id behind which the page begins."""

    q: Annotated[CleanText, Field(min_length=1, max_length=254)] | None = Field(
        default=None, description="Only users with this text in a name or address, in any case"
    )
    limit: int = Field(default=50, ge=1, le=200)
    cursor: Annotated[
        int,
        BeforeValidator(_position),
        WithJsonSchema({"type": "string", "maxLength": 20}),
        Field(description="From the Link rel=next header of a list"),
    ] = Field(default_factory=int)  # No default to show: it would be no cursor.
