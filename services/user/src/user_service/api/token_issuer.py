"""The answer to a login or a refresh."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from servicekit import tokens
from servicekit.keys import SigningKey
from user_service.api.schemas import Token
from user_service.domain.sessions import Session


@dataclass(frozen=True)
class TokenIssuer:
    """Issues access tokens signed with `key`, each good for `lifetime` or to its session's end."""

    key: SigningKey
    lifetime: timedelta

    def issue(self, session: Session) -> Token:
        """Return a new access token, with the session's refresh token."""
        account = session.account
        principal = tokens.Principal(account.id, account.is_superuser, session.id)
        now = datetime.now(UTC)
        lifetime = min(self.lifetime, session.expires_at - now)
        token = tokens.issue(self.key, principal, lifetime, now)
        return Token(
            access_token=token,
            token_type="bearer",  # noqa: S106 # the name of a scheme, not a secret
            expires_in=int(lifetime.total_seconds()),
            refresh_token=str(session.refresh_token),
        )
