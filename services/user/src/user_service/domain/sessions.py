"""Sessions: a sign-in opens one, a refresh token carries it on, a sign-out ends it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID, uuid4

import structlog

from user_service.domain.accounts import Account, Accounts, Caller
from user_service.domain.errors import BadCredentialsError, InvalidRefreshTokenError
from user_service.domain.refresh_tokens import RefreshToken

LIFETIME = timedelta(days=30)
"""How long a session lives after its last refresh."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Session:
    """Whose session it is, and the token that carries it on."""

    account: Account
    refresh_token: RefreshToken

    @property
    def id(self) -> UUID:
        return self.refresh_token.session_id


class SessionStore(Protocol):
    """Where sessions are kept. Every call blocks and is one transaction."""

    def insert(self, session: Session) -> bool:
        """False if the account is not active any more, or has another password by now."""

    def rotate(self, used: RefreshToken, following: RefreshToken) -> int | None:
        """Put one token in the other's place; the account's id, or None if `used` is not alive."""

    def delete(self, session_id: UUID) -> bool:
        """Tell whether there was one."""


class Sessions:
    """The rules of sessions. Every call blocks on the store."""

    def __init__(self, store: SessionStore, accounts: Accounts) -> None:
        self._store = store
        self._accounts = accounts

    def open(self, account: Account) -> Session:
        """Open a session for who has just signed in. Raises BadCredentialsError."""
        session = Session(account, RefreshToken.of(uuid4()))
        if not self._store.insert(session):
            raise BadCredentialsError
        return session

    def refresh(self, text: str) -> Session:
        """Exchange a refresh token for the next one of its session.

        Whoever brings one that was used before has a copy, or somebody else has: the session ends.
        Raises InvalidRefreshTokenError, SignedOutError.
        """
        used = RefreshToken.parse(text)
        following = RefreshToken.of(used.session_id)
        account_id = self._store.rotate(used, following)
        if account_id is None:
            if self._store.delete(used.session_id):
                session_id = str(used.session_id)
                _log.warning(
                    "session ended: refresh token reused or expired", session_id=session_id
                )
            raise InvalidRefreshTokenError
        caller = Caller(account_id, used.session_id)
        return Session(self._accounts.signed_in(caller), following)

    def close(self, text: str) -> None:
        """End the session of this refresh token, used or not, if there is one."""
        with suppress(InvalidRefreshTokenError):
            self._store.delete(RefreshToken.parse(text).session_id)
