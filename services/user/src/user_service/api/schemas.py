"""The bodies of requests and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationInfo, field_validator
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from servicekit.fields import MAXIMUM_ID, CleanText
from user_service.api.fields import (
    Email,
    FullName,
    GivenLogin,
    GivenPassword,
    GivenRefreshToken,
    NewPassword,
    Username,
)


class Registration(BaseModel):
    """A new account."""

    email: Email
    username: Username
    password: NewPassword
    full_name: FullName | None = None


class Login(BaseModel):
    """`username` takes the username or the email address."""

    username: GivenLogin
    password: GivenPassword


class TokenForm(Login):
    """The same as an OAuth2 password form; its other fields are ignored."""

    grant_type: Literal["password"] = "password"


class Refresh(BaseModel):
    """The refresh token that came with the last answer."""

    refresh_token: GivenRefreshToken


# For the OpenAPI document; the validator below refuses.
_WITH_PASSWORD: JsonDict = {
    "required": ["current_password"],
    "properties": {"current_password": {"type": "string"}},
}


class ProfileChange(BaseModel):
    """Changes of the fields given; the others stay. null clears the name.

    Another email address needs the current password, because the address can log in.
    """

    model_config = ConfigDict(json_schema_extra={"dependentSchemas": {"email": _WITH_PASSWORD}})

    # No default to show: absent means unchanged, and null is refused.
    email: Email = Field(default_factory=str)
    full_name: FullName | None = None
    current_password: GivenPassword | None = Field(default=None, validate_default=True)

    @field_validator("current_password")
    @classmethod
    def _comes_with_an_address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("email"):
            raise PydanticCustomError("password_required", "Required to change the email address")
        return value


class PasswordChange(BaseModel):
    """The current password and the new one.

    Every session of the account ends but the one of `refresh_token`.
    """

    current_password: GivenPassword
    new_password: NewPassword
    refresh_token: GivenRefreshToken | None = None


class UserChange(BaseModel):
    """Changes of the flags given; the others stay."""

    # No default to show, as above.
    is_active: StrictBool = Field(default_factory=bool)
    is_superuser: StrictBool = Field(default_factory=bool)


class UserQuery(BaseModel):
    """The query string of the list of users."""

    q: Annotated[CleanText, Field(min_length=1, max_length=254)] | None = Field(
        default=None, description="Only users with this text in a name or address, in any case"
    )
    limit: int = Field(default=50, ge=1, le=200)
    cursor: int = Field(
        default=0, ge=0, le=MAXIMUM_ID, description="From the Link rel=next header of a list"
    )


class User(BaseModel):
    """An account as its owner and superusers see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    username: str
    full_name: str | None
    is_active: bool
    is_superuser: bool
    created_at: datetime
    updated_at: datetime


class Session(BaseModel):
    """A session of the caller; `current` is the one of this request.

    Opening and refreshing it are uses. `program` is the User-Agent that opened it, if there was
    one.
    """

    id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    program: str | None
    current: bool


class TokenDraft(BaseModel):
    """A personal access token to be made. It needs the current password.

    `tasks:read` allows the calls that read tasks and statistics, `tasks:write` those that change
    tasks. Neither allows the calls of the other one, or any on the account.
    """

    name: Annotated[CleanText, Field(min_length=1, max_length=100, examples=["ci"])]
    scopes: Annotated[list[Literal["tasks:read", "tasks:write"]], Field(min_length=1, max_length=2)]
    expires_in_days: int = Field(default=30, ge=1, le=365)
    current_password: GivenPassword


class PersonalToken(BaseModel):
    """A personal access token, without the token itself. Its last use is exact to a minute."""

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


class NewPersonalToken(PersonalToken):
    """The same with the token, only once. A program sends it as any access token."""

    token: str


class Token(BaseModel):
    """`expires_in` is in seconds. The refresh token is good for one refresh.

    The session ends 30 days after its login, if nothing else ends it before.
    """

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    refresh_token: str
