"""What carries a session on."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from user_service.domain.errors import InvalidRefreshTokenError

_SECRET_BYTES = 32


@dataclass(frozen=True)
class RefreshToken:
    """Names a session and proves that its bearer holds it. Good for one refresh."""

    session_id: UUID
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, session_id: UUID) -> "RefreshToken":
        """A new token of the session."""
        return cls(session_id, secrets.token_bytes(_SECRET_BYTES))

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
        """What is stored. The secret is random: a slow or salted hash would add nothing."""
        return hashlib.sha256(self.secret).digest()
