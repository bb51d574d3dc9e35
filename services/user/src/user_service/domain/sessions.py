"""Sessions: a login opens one, a refresh token continues it, a logout ends it."""

from collections.abc import Sequence
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
class NewSession:
    """A session to be stored. program: the client's name of itself, if it sent one."""

    account: Account
    refresh_token: RefreshToken
    key: bytes = field(repr=False)
    program: str | None
    lifetime: timedelta


@dataclass(frozen=True)
class Session:
    """An open session: its account, its current refresh token and its end (UTC)."""

    account: Account
    refresh_token: RefreshToken
    expires_at: datetime

    @property
    def id(self) -> UUID:
        return self.refresh_token.session_id


@dataclass(frozen=True)
class SessionInfo:
    """A session in the list of its owner. Times are in UTC; each refresh is a use."""

    id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    program: str | None


class Repository(Protocol):
    """Where sessions are kept. Every call is one transaction."""

    async def insert(self, session: NewSession) -> datetime | None:
        """Return the session's end; None if the account is inactive or has another password."""

    async def lineage(self, session_id: UUID) -> Lineage | None: ...

    async def rotate(
        self, used: RefreshToken, following: RefreshToken
    ) -> tuple[int, datetime] | None:
        """Replace the current token `used`.

        Return the account's id and the session's end; None if `used` is not the current token, or
        the session is over.
        """

    async def delete(self, session_id: UUID) -> int | None:
        """Return the id of the session's account; None if there was no session."""

    async def list(self, account_id: int) -> Sequence[SessionInfo]:
        """Return the account's sessions that are alive, the last used first."""

    async def delete_one(self, account_id: int, session_id: UUID) -> bool:
        """Return whether the account had the session."""

    async def delete_others(self, account_id: int, session_id: UUID | None) -> None:
        """Delete the account's sessions but this one."""


class Sessions:
    """The rules of sessions, each of which ends at most `lifetime` after its login."""

    def __init__(self, repository: Repository, accounts: Accounts, lifetime: timedelta) -> None:
        self._repository = repository
        self._accounts = accounts
        self._lifetime = lifetime

    async def open(self, account: Account, program: str | None = None) -> Session:
        """Open a session after a login. Raises BadCredentialsError."""
        key = refresh_tokens.new_key()
        token = RefreshToken.of(uuid4(), key)
        end = await self._repository.insert(
            NewSession(account, token, key, program, self._lifetime)
        )
        if end is None:
            raise BadCredentialsError
        return Session(account, token, end)

    async def refresh(self, text: str) -> Session:
        """Exchange a refresh token for the next one of its session.

        A token that was used before has been copied, so it ends its session. A token that the
        session never had ends nothing. Raises InvalidRefreshTokenError, SignedOutError.
        """
        used = RefreshToken.parse(text)
        lineage = await self._repository.lineage(used.session_id)
        if lineage is None or not lineage.includes(used):
            raise InvalidRefreshTokenError
        following = RefreshToken.of(used.session_id, lineage.key)
        rotated = await self._repository.rotate(used, following)
        if rotated is None:
            await self._end_misused(used.session_id)
            raise InvalidRefreshTokenError
        account_id, end = rotated
        account = await self._accounts.signed_in(Caller(account_id, used.session_id))
        return Session(account, following, end)

    async def close(self, text: str) -> None:
        """End the session of this refresh token, used or not, if there is one."""
        with suppress(InvalidRefreshTokenError):
            token = RefreshToken.parse(text)
            lineage = await self._repository.lineage(token.session_id)
            if lineage and lineage.includes(token):
                await self._repository.delete(token.session_id)

    async def list(self, caller: Caller) -> Sequence[SessionInfo]:
        """Return the caller's sessions, the last used first. Raises SignedOutError."""
        account = await self._accounts.signed_in(caller)
        return await self._repository.list(account.id)

    async def end(self, caller: Caller, session_id: UUID) -> None:
        """End one of the caller's sessions. Raises UnknownSessionError, SignedOutError."""
        account = await self._accounts.signed_in(caller)
        if not await self._repository.delete_one(account.id, session_id):
            raise UnknownSessionError

    async def end_others(self, caller: Caller) -> None:
        """End the caller's sessions but the one of this request. Raises SignedOutError."""
        account = await self._accounts.signed_in(caller)
        await self._repository.delete_others(account.id, caller.session_id)

    async def _end_misused(self, session_id: UUID) -> None:
        account_id = await self._repository.delete(session_id)
        if account_id is not None:
            _log.warning(
                "session ended: refresh token reused or expired",
                account_id=account_id,
                session_id=str(session_id),
            )
