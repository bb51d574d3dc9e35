"""The token that a request carries, and how it is renewed when it has expired."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tasktracker_cli.errors import NotLoggedInError
from tasktracker_cli.gateway import models
from tasktracker_cli.logins.credentials import Credentials, Login

MARGIN = 5.0  # seconds: a token that ends this soon is renewed before it is used


class Access(Protocol):
    """Gives tokens for one gateway."""

    def token(self) -> str:
        """Return a token that should still be accepted."""

    def renew(self) -> None:
        """Get another token in place of a refused one. Raises NotLoggedInError if there is none."""

    def refresh_token(self) -> str | None:
        """Return what keeps the session alive, if there is one."""

    def refused(self) -> NotLoggedInError:
        """Return the error for a token that was refused although it is new."""


class GivenToken:
    """A token from the environment: used as it is, never kept."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        return self._token

    def renew(self) -> None:
        raise self.refused()

    def refresh_token(self) -> None:
        return None

    def refused(self) -> NotLoggedInError:
        return NotLoggedInError(
            "The token in TASKTRACKER_TOKEN has expired, was revoked or is not this gateway's.",
            "Give a new one, or unset it and log in with: tasktracker-cli login",
        )


class StoredLogin:
    """The login kept under `key`. One process at a time renews it.

    A refresh token can be used once, and its second use ends the session. So a process that gets
    the lock first reads the login again: another process may have renewed it.
    """

    def __init__(
        self, credentials: Credentials, key: str, login: Login, refresh: Callable[[str], Any]
    ) -> None:
        self._credentials = credentials
        self._key = key
        self._login = login
        self._refresh = refresh

    def token(self) -> str:
        ends = self._login.expires_at
        if ends is not None and self._login.refresh_token and ends < time.time() + MARGIN:
            self.renew()
        return self._login.access_token

    def renew(self) -> None:
        with self._credentials.lock(self._key):
            kept = self._credentials.load(self._key)
            if kept is None:
                raise self.refused()
            if kept.access_token == self._login.access_token:
                kept = self._exchanged(kept)
                # Saved before it is used: if this process ends then, the login is still valid.
                self._credentials.save(self._key, kept)
            self._login = kept

    def refresh_token(self) -> str | None:
        return self._login.refresh_token

    def refused(self) -> NotLoggedInError:
        origin, _, profile = self._key.partition("#")
        again = (
            f"--profile {profile} login" if profile else f"login --username {self._login.username}"
        )
        return NotLoggedInError(
            f"Your login at {origin} has expired or is no longer valid.",
            f"Log in again with: tasktracker-cli {again}",
        )

    def _exchanged(self, login: Login) -> Login:
        if not login.refresh_token:
            raise self.refused()
        try:
            return login_of(login.username, self._refresh(login.refresh_token))
        except NotLoggedInError:
            raise self.refused() from None


def login_of(username: str, raw: Mapping[str, Any]) -> Login:
    """Return the login of an answer with tokens."""
    grant = models.grant(raw)
    expires_at = None if grant.expires_in is None else time.time() + grant.expires_in
    return Login(username, grant.access_token, grant.refresh_token, expires_at)
