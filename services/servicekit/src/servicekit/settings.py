"""Settings from the environment. A process with wrong settings says why and ends.

A service combines the classes that it needs:

    class Settings(DatabaseSettings, ServiceSettings):
        access_token_expire_minutes: int = 15

Those for access tokens are in token_settings.py.
"""

import sys
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails, PydanticKnownError
from pydantic_settings import BaseSettings, SettingsError

EX_CONFIG = 78  # sysexits.h: "configuration error"
CONNECT_TIMEOUT = 5  # seconds, to a database
STATEMENT_TIMEOUT = 10_000  # milliseconds, of the database
SETTINGS_PAGE = "docs/operations/reference.md"


class ConsulSettings(BaseSettings):
    """CONSUL_URL and CONSUL_TOKEN: where a service registers itself and finds others.

    For services started by hand. Consul's own tools read other names. Somebody who sets those to
    look at a cluster must not make a service a part of it.
    """

    consul_url: HttpUrl | None = None
    consul_token: SecretStr | None = None


class ServiceSettings(ConsulSettings):
    """HOST, PORT, LOG_LEVEL, and TRACES_URL: where spans are sent, by OTLP over HTTP."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    # A job file has no variable that is only sometimes there: empty is none.
    traces_url: Annotated[HttpUrl | None, BeforeValidator(lambda text: text or None)] = None


def psycopg2_url(url: str) -> str:
    """Return the URL with the driver psycopg 2. Raises ValueError for another database.

    SQLAlchemy 2.1 reads a bare `postgresql://` as psycopg 3, which we do not install.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgresql", "postgresql+psycopg2"):
        raise ValueError("it must start with postgresql://")
    return f"postgresql+psycopg2://{rest}"


def asyncpg_url(url: str) -> str:
    """Return the URL as asyncpg takes it: without a driver."""
    return url.replace("postgresql+psycopg2://", "postgresql://", 1)


def _with_driver(value: SecretStr) -> SecretStr:
    return SecretStr(psycopg2_url(value.get_secret_value()))


# Secret, because it has a password.
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


# The URL of another service. None means that Consul finds it.
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

    Without it Consul finds the user service. Without CONSUL_URL, too, the service does not ask.
    """

    user_service_url: HttpUrl | None = None


Settings = TypeVar("Settings", bound=BaseSettings)


def load(settings: type[Settings], *, service: str) -> Settings:
    """Return the settings from the environment.

    If they are wrong, print one line per bad variable and exit with code 78.
    """
    try:
        return settings()
    except ValidationError as error:
        # Without the values, because a refused secret is still a secret.
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
