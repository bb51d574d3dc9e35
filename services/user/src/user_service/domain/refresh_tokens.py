"""Refresh tokens, which continue a session."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from user_service.domain.errors import InvalidRefreshTokenError

_NONCE_BYTES = 16
_SEAL_BYTES = 16
_KEY_BYTES = 32


@dataclass(frozen=True)
class RefreshToken:
    """Names a session, and proves that the client holds it. Good for one refresh.

    The session's id is no secret, because every access token has it. The secret is a random nonce
    and its seal. The seal shows that the session has issued the token, even if it was used since.
    """

    session_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, session_id: UUID, key: bytes) -> "RefreshToken":
        """Return a new token of the session with this key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return cls(session_id, nonce + _seal(key, nonce))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """Read what `str` wrote. Raises InvalidRefreshTokenError."""
        try:
            content = base64.urlsafe_b64decode(text)
            return cls(UUID(bytes=content[:16]), content[16:])
        except ValueError:
            raise InvalidRefreshTokenError from None

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(self.session_id.bytes + self.secret).decode()

    @property
    def digest(self) -> bytes:
        """What is stored. The nonce is random, so a slow or salted hash would add nothing."""
        return hashlib.sha256(self.secret).digest()


@dataclass(frozen=True)
class Lineage:
    """What a session stores of its tokens: the current one's digest, and the key of all seals."""

    digest: bytes
    key: bytes = field(repr=False)

    def includes(self, token: RefreshToken) -> bool:
        """Return whether the token is the current one, or was before."""
        nonce, seal = token.secret[:_NONCE_BYTES], token.secret[_NONCE_BYTES:]
        return hmac.compare_digest(self.digest, token.digest) or hmac.compare_digest(
            seal, _seal(self.key, nonce)
        )


def new_key() -> bytes:
    """Return a new key for the tokens of one session."""
    return secrets.token_bytes(_KEY_BYTES)


def _seal(key: bytes, nonce: bytes) -> bytes:
    return hmac.digest(key, nonce, "sha256")[:_SEAL_BYTES]
