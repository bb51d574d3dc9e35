"""Settings come from the environment; a process with wrong ones says why and ends.

A service mixes what it needs:

    class Settings(DatabaseSettings, ServiceSettings):
        access_token_expire_minutes: int = 15

Those for access tokens are in token_settings.py.
"""

import sys
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, PydanticKnownError
from pydantic_settings import BaseSettings, SettingsError

EX_CONFIG = 78  # sysexits.h: "configuration error"
SETTINGS_PAGE = "docs/operations/reference.md"


class ConsulSettings(BaseSettings):
    """CONSUL_URL and CONSUL_TOKEN of the agent in which a service enters itself and finds others.

    For services started by hand. Not the names that Consul's own tools read: whoever has set those
    to look at a cluster must not become a part of it.
    """

    consul_url: HttpUrl | None = None
    consul_token: SecretStr | None = None


class ServiceSettings(ConsulSettings):
    """HOST, PORT and LOG_LEVEL."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"


def psycopg2_url(url: str) -> str:
    """The URL with its driver named; ValueError for another database's.

    SQLAlchemy 2.1 reads a bare `postgresql://` as psycopg 3, which is not what we install.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgresql", "postgresql+psycopg2"):
        raise ValueError("it must start with postgresql://")
    return f"postgresql+psycopg2://{rest}"


def asyncpg_url(url: str) -> str:
    """The same URL as asyncpg takes it, which knows no other driver."""
    return url.replace("postgresql+psycopg2://", "postgresql://", 1)


def _with_driver(value: SecretStr) -> SecretStr:
    return SecretStr(psycopg2_url(value.get_secret_value()))


# Secret, because it carries a password.
DatabaseUrl = Annotated[SecretStr, AfterValidator(_with_driver)]


class DatabaseSettings(BaseSettings):
    """DATABASE_URL and DATABASE_POOL_SIZE (connections)."""

    database_url: Annotated[
        DatabaseUrl, Field(description="postgresql://user:password@host:port/database")
    ]
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 10


def _or_consul(value: HttpUrl | None, info: ValidationInfo) -> HttpUrl | None:
    if value is None and info.data.get("consul_url") is None:
        raise PydanticKnownError("missing")
    return value


# Where another service answers; None: wherever Consul finds it.
ServiceUrl = Annotated[
    HttpUrl | None,
    Field(
        validate_default=True,
        description="its address, http://host:port, or set CONSUL_URL to a Consul that finds it",
    ),
    AfterValidator(_or_consul),
]


class EndedSessionsSettings(ServiceSettings):
    """USER_SERVICE_URL, where a service asks which sessions have ended.

    Without it the user service is found in Consul; without CONSUL_URL, too, nobody is asked.
    """

    user_service_url: HttpUrl | None = None


Settings = TypeVar("Settings", bound=BaseSettings)


def load(settings: type[Settings], *, service: str) -> Settings:
    """The settings from the environment; else one line per bad variable and exit code 78."""
    try:
        return settings()
    except ValidationError as error:
        # Values stay out: a refused secret is still a secret.
        lines = [_explain(settings, each) for each in error.errors(include_input=False)]
    except SettingsError as error:
        lines = [str(error)]
    for line in lines:
        print(f"{service}: {line} (see {SETTINGS_PAGE})", file=sys.stderr)  # noqa: T201 - no log exists yet
    raise SystemExit(EX_CONFIG)


def _explain(settings: type[BaseSettings], error: ErrorDetails) -> str:
    field = str(error["loc"][0]) if error["loc"] else ""
    variable = field.upper() or "the environment"
    if error["type"] != "missing":
        return f"{variable} is not valid: {error['msg'].removeprefix('Value error, ')}"
    hint = settings.model_fields[field].description
    return f"{variable} is missing: set it to {hint}" if hint else f"{variable} is missing"
