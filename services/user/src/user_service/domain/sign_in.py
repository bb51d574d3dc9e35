"""Signing in with a password."""

from anyio.to_thread import run_sync

from user_service.domain import emails
from user_service.domain.accounts import Account, AccountStore
from user_service.domain.errors import BadCredentialsError
from user_service.domain.passwords import Passwords
from user_service.domain.sessions import Session, Sessions


class SignIn:
    """Checks who somebody says to be."""

    def __init__(self, store: AccountStore, passwords: Passwords, sessions: Sessions) -> None:
        self._store = store
        self._passwords = passwords
        self._sessions = sessions

    async def open_session(self, login: str, password: str) -> Session:
        """Open a session for the active account with this username or email address and password.

        Raises BadCredentialsError after the same work whatever the reason, HashingBusyError.
        """
        account = await run_sync(self._find, login)
        if account is None:
            await self._passwords.verify_nobody()
            raise BadCredentialsError
        matches = await self._passwords.verify(password, account.hashed_password)
        if not (matches and account.is_active):
            raise BadCredentialsError
        return await run_sync(self._sessions.open, account)

    def _find(self, login: str) -> Account | None:
        # A username cannot contain an at sign, an email address always does.
        if "@" not in login:
            return self._store.find_by_username(login)
        try:
            return self._store.find_by_email(emails.normalize(login))
        except ValueError:
            return None
