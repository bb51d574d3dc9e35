"""Sessions: a sign-in opens one, a refresh token carries it on, a sign-out ends it."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

import structlog

from user_service.domain import refresh_tokens
from user_service.domain.accounts import Account, Accounts, Caller
from user_service.domain.errors import (
    BadCredentialsError,
    InvalidRefreshTokenError,
    UnknownSessionError,
)
from user_service.domain.refresh_tokens import Lineage, RefreshToken

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Opening:
    """A session about to be. `program` is what the client calls itself, if it says."""

    account: Account
    refresh_token: RefreshToken
    key: bytes = field(repr=False)
    program: str | None
    lifetime: timedelta


@dataclass(frozen=True)
class Session:
    """Whose session it is, when it ends (UTC), and the token that carries it on until then."""

    account: Account
    refresh_token: RefreshToken
    expires_at: datetime

    @property
    def id(self) -> UUID:
        return self.refresh_token.session_id


@dataclass(frozen=True)
class Entry:
    """A session in its owner's list. Times are in UTC; it was used when it was last refreshed."""

    id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    program: str | None


class SessionStore(Protocol):
    """Where sessions are kept. Every call blocks and is one transaction."""

    def insert(self, opening: Opening) -> datetime | None:
        """Give its end; None if the account is not active any more, or has another password."""

    def lineage(self, session_id: UUID) -> Lineage | None: ...

    def rotate(self, used: RefreshToken, following: RefreshToken) -> tuple[int, datetime] | None:
        """Put one token in the other's place.

        The account's id and the session's end, or None if `used` is not the current one or not
        alive.
        """

    def delete(self, session_id: UUID) -> int | None:
        """The id of the account whose it was; None if there was none."""

    def entries(self, account_id: int) -> list[Entry]:
        """The account's sessions that are alive, the one used last first."""

    def delete_one(self, account_id: int, session_id: UUID) -> bool:
        """Tell whether the account had it."""

    def delete_others(self, account_id: int, session_id: UUID | None) -> None:
        """Leave the account no session but this one."""


class Sessions:
    """The rules of sessions, each of which ends `lifetime` after its sign-in at the latest.

    Every call blocks on the store.
    """

    def __init__(self, store: SessionStore, accounts: Accounts, lifetime: timedelta) -> None:
        self._store = store
        self._accounts = accounts
        self._lifetime = lifetime

    def open(self, account: Account, program: str | None = None) -> Session:
        """Open a session for who has just signed in. Raises BadCredentialsError."""
        key = refresh_tokens.new_key()
        token = RefreshToken.of(uuid4(), key)
        end = self._store.insert(Opening(account, token, key, program, self._lifetime))
        if end is None:
            raise BadCredentialsError
        return Session(account, token, end)

    def refresh(self, text: str) -> Session:
        """Exchange a refresh token for the next one of its session.

        Whoever brings one that was used before has a copy, or somebody else has: the session ends.
        One that the session never had ends nothing. Raises InvalidRefreshTokenError,
        SignedOutError.
        """
        used = RefreshToken.parse(text)
        lineage = self._store.lineage(used.session_id)
        if lineage is None or not lineage.includes(used):
            raise InvalidRefreshTokenError
        following = RefreshToken.of(used.session_id, lineage.key)
        rotated = self._store.rotate(used, following)
        if rotated is None:
            owner_id = self._store.delete(used.session_id)
            if owner_id is not None:
                _log.warning(
                    "session ended: refresh token reused or expired",
                    account_id=owner_id,
                    session_id=str(used.session_id),
                )
            raise InvalidRefreshTokenError
        account_id, end = rotated
        account = self._accounts.signed_in(Caller(account_id, used.session_id))
        return Session(account, following, end)

    def close(self, text: str) -> None:
        """End the session of this refresh token, used or not, if there is one."""
        with suppress(InvalidRefreshTokenError):
            token = RefreshToken.parse(text)
            lineage = self._store.lineage(token.session_id)
            if lineage and lineage.includes(token):
                self._store.delete(token.session_id)

    def entries(self, caller: Caller) -> list[Entry]:
        """The caller's sessions, the one used last first. Raises SignedOutError."""
        return self._store.entries(self._accounts.signed_in(caller).id)

    def end(self, caller: Caller, session_id: UUID) -> None:
        """End one of the caller's sessions. Raises UnknownSessionError, SignedOutError."""
        account = self._accounts.signed_in(caller)
        if not self._store.delete_one(account.id, session_id):
            raise UnknownSessionError

    def end_others(self, caller: Caller) -> None:
        """End the caller's sessions but the one that asks. Raises SignedOutError."""
        account = self._accounts.signed_in(caller)
        self._store.delete_others(account.id, caller.session_id)
