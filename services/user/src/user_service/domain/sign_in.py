"""Logging in with a password."""

from user_service.domain import accounts, emails
from user_service.domain.accounts import Account
from user_service.domain.errors import BadCredentialsError
from user_service.domain.sessions import Session, Sessions
from user_service.domain.throttle import Throttle


class SignIn:
    """Exchanges a login name and a password for a session."""

    def __init__(
        self, repository: accounts.Repository, throttle: Throttle, sessions: Sessions
    ) -> None:
        self._repository = repository
        self._throttle = throttle
        self._sessions = sessions

    async def open_session(
        self, login: str, password: str, client: str, program: str | None = None
    ) -> Session:
        """Open a session for the active account with this username or email address and password.

        program: the client's name of itself.

        Raises BadCredentialsError after the same work for every reason, TooManyFailuresError,
        HashingBusyError.
        """
        login = _normalized(login)
        account = await self._find(login)
        guard = await self._throttle.sign_in(login, client, account.id if account else None)
        hashed = account.hashed_password if account and account.is_active else None
        if not await guard.verify(password, hashed) or account is None:
            raise BadCredentialsError
        await guard.reset()
        await self._throttle.remember(account.id, client)
        return await self._sessions.open(account, program)

    async def _find(self, login: str) -> Account | None:
        # A username cannot contain an at sign, an email address always does.
        if "@" in login:
            return await self._repository.find_by_email(login)
        return await self._repository.find_by_username(login)


def _normalized(login: str) -> str:
    try:
        return emails.normalize(login)
    except ValueError:
        return login
