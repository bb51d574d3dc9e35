"""What a successful sign-in is answered with."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from servicekit import tokens

from user_service.api.schemas import Token
from user_service.domain.accounts import Account


@dataclass(frozen=True)
class Grants:
    """Issues access tokens signed with `keys`, each good for `lifetime`."""

    keys: tokens.Keys
    lifetime: timedelta

    def issue(self, account: Account) -> Token:
        """Return a new access token for `account`."""
        principal = tokens.Principal(user_id=account.id, is_superuser=account.is_superuser)
        token = tokens.issue(self.keys, principal, self.lifetime, datetime.now(UTC))
        return Token(
            access_token=token,
            token_type="bearer",  # noqa: S106 # the name of a scheme, not a secret
            expires_in=int(self.lifetime.total_seconds()),
        )
