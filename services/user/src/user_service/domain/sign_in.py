"""Signing in with a password."""

from anyio.to_thread import run_sync

from user_service.domain import emails
from user_service.domain.accounts import Account, AccountStore
from user_service.domain.errors import BadCredentialsError
from user_service.domain.sessions import Session, Sessions
from user_service.domain.throttle import Guard, Throttle


class SignIn:
    """Checks who somebody says to be."""

    def __init__(self, store: AccountStore, throttle: Throttle, sessions: Sessions) -> None:
        self._store = store
        self._throttle = throttle
        self._sessions = sessions

    async def open_session(
        self, login: str, password: str, client: str, program: str | None = None
    ) -> Session:
        """Open a session for the active account with this username or email address and password.

        `program` is what the client calls itself.

        Raises BadCredentialsError after the same work whatever the reason, TooManyFailuresError,
        HashingBusyError.
        """
        account, guard = await run_sync(self._look_up, _spelling(login), client)
        hashed = account.hashed_password if account and account.is_active else None
        if not await guard.verify(password, hashed) or account is None:
            raise BadCredentialsError
        return await run_sync(self._welcome, account, guard, client, program)

    def _look_up(self, login: str, client: str) -> tuple[Account | None, Guard]:
        # A username cannot contain an at sign, an email address always does.
        find = self._store.find_by_email if "@" in login else self._store.find_by_username
        account = find(login)
        return account, self._throttle.sign_in(login, client, account.id if account else None)

    def _welcome(self, account: Account, guard: Guard, client: str, program: str | None) -> Session:
        guard.forgive()
        self._throttle.welcome(account.id, client)
        return self._sessions.open(account, program)


def _spelling(login: str) -> str:
    try:
        return emails.normalize(login)
    except ValueError:
        return login
