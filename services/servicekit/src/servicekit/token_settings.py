"""The settings for access tokens, with one of two kinds of keys (servicekit/keys.py).

class Settings(TokenSettings, ServiceSettings):
    port: int = 8002
"""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic_core import PydanticKnownError
from pydantic_settings import BaseSettings

from servicekit import keys
from servicekit.tokens import Keys

MINIMUM_SECRET_BYTES = 32


def _shared(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if len(secret.encode()) < MINIMUM_SECRET_BYTES:
        raise ValueError(f"it must have at least {MINIMUM_SECRET_BYTES} bytes")
    keys.shared(secret)
    return value


def _public(value: str) -> str:
    keys.public(value)
    return value


def _one_kind(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    if "jwt_public_keys" not in info.data:
        return value  # It was set and refused, and there is an error for that already.
    if value is None and info.data["jwt_public_keys"] is None:
        raise PydanticKnownError("missing")
    if value is not None and info.data["jwt_public_keys"] is not None:
        raise ValueError("JWT_PUBLIC_KEYS is set too, and a service takes one kind of key")
    return value


def _beside_secret(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    if value is not None and info.data.get("secret_key", ...) is None:
        raise ValueError("it means nothing without SECRET_KEY")
    return value


def _beside_public(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    if "jwt_public_keys" not in info.data:
        return value  # It was set and refused, and there is an error for that already.
    public = info.data["jwt_public_keys"]
    if value is None and public is not None:
        raise PydanticKnownError("missing")
    if value is not None and public is None:
        raise ValueError("it needs JWT_PUBLIC_KEYS, and its own public key among them")
    if value is not None:
        keys.private(value.get_secret_value(), keys.public(public))
    return value


SharedSecret = Annotated[SecretStr, AfterValidator(_shared)]


class TokenSettings(BaseSettings):
    """JWT_PUBLIC_KEYS; or SECRET_KEY, with PREVIOUS_SECRET_KEY during a rotation."""

    jwt_public_keys: Annotated[str, AfterValidator(_public)] | None = None
    secret_key: Annotated[
        SharedSecret | None,
        Field(
            validate_default=True,
            description="at least 32 random bytes, or set JWT_PUBLIC_KEYS to a JWK Set",
        ),
        AfterValidator(_one_kind),
    ] = None
    previous_secret_key: Annotated[SharedSecret | None, AfterValidator(_beside_secret)] = None

    def keys(self) -> Keys:
        """Return the keys that verify tokens."""
        if self.jwt_public_keys is not None:
            return Keys(keys.ES256, keys.public(self.jwt_public_keys))
        given = [each for each in (self.secret_key, self.previous_secret_key) if each]
        shared = [keys.shared(each.get_secret_value()) for each in given]
        return Keys(keys.HS256, {each.id: each.key for each in shared})


class SigningSettings(TokenSettings):
    """The same, and JWT_PRIVATE_KEY where JWT_PUBLIC_KEYS is set."""

    jwt_private_key: Annotated[
        SecretStr | None,
        Field(validate_default=True, description="the PEM of the P-256 key that signs"),
        AfterValidator(_beside_public),
    ] = None

    def signing_key(self) -> keys.SigningKey:
        """Return the key that signs tokens."""
        if self.jwt_private_key is not None and self.jwt_public_keys is not None:
            return keys.private(
                self.jwt_private_key.get_secret_value(), keys.public(self.jwt_public_keys)
            )
        if self.secret_key is None:
            raise TypeError("these settings were not validated")
        return keys.shared(self.secret_key.get_secret_value())
