"""The user's logins: one private file per gateway and profile, which keeps tokens apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from tasktracker_cli.atomic_files import make_private, write_private
from tasktracker_cli.errors import CliError, UnavailableError
from tasktracker_cli.logins.keyrings import Keyring

LOCK_LIMIT = 60  # seconds: longer than any one exchange of tokens takes


@dataclass(frozen=True)
class Login:
    """A user at a gateway, and the tokens that prove it.

    `expires_at` is when the access token ends, in seconds since 1970.
    """

    username: str
    access_token: str
    refresh_token: str | None = None
    expires_at: float | None = None

    def __repr__(self) -> str:
        return f"Login(username={self.username!r})"  # a token must not reach a log or traceback


def key(origin: str, profile: str) -> str:
    """Return the name that a login is kept under. A token goes to the origin in it only."""
    return origin if profile == "default" else f"{origin}#{profile}"


class Credentials:
    """Logins kept below `folder` (mode 0700), each in a file of mode 0600.

    A login that is kept in the system's keyring has a file, too: it says so, and who it is.
    """

    def __init__(self, folder: Path, keyring: Keyring | None = None) -> None:
        self._folder = folder / "logins"
        self._keyring = keyring or Keyring()

    def load(self, key: str) -> Login | None:
        """Return the login kept under this name; a damaged one counts as none."""
        try:
            saved = json.loads(self.path(key).read_text("utf-8"))
            if saved.get("keyring"):
                saved = json.loads(self._keyring.get(key) or "")
            return Login(
                str(saved["username"]),
                str(saved["access_token"]),
                saved.get("refresh_token"),
                saved.get("expires_at"),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
            return None
        except OSError as error:
            raise _unusable(self.path(key), error) from error

    def save(self, key: str, login: Login, *, secretly: bool | None = None) -> bool:
        """Keep the login, replacing an older one in one step; return whether in the keyring.

        It goes where the older one was, unless `secretly` says to try the keyring.
        """
        if secretly is None:
            secretly = self._is_in_keyring(key)
        content = json.dumps(asdict(login))
        secretly = secretly and self._keyring.set(key, content)
        if secretly:
            content = json.dumps({"username": login.username, "keyring": True})
        try:
            self._make_folder()
            write_private(self.path(key), content)
        except OSError as error:
            raise _unusable(self.path(key), error) from error
        return secretly

    def delete(self, key: str) -> bool:
        """Forget the login kept under this name; return whether there was one."""
        if self._is_in_keyring(key):
            self._keyring.delete(key)
        try:
            self.path(key).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _unusable(self.path(key), error) from error
        return True

    @contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Let one process at a time read, renew and keep a login."""
        from filelock import FileLock, Timeout

        try:
            self._make_folder()
            path = self.path(key).with_suffix(".lock")
            with FileLock(path, timeout=LOCK_LIMIT, mode=0o600):
                yield
        except Timeout:
            raise UnavailableError(
                "Another tasktracker-cli is renewing the login and does not finish.",
                "Try again in a moment, or end the other one.",
            ) from None
        except OSError as error:
            raise _unusable(self.path(key), error) from error

    def _is_in_keyring(self, key: str) -> bool:
        try:
            saved = json.loads(self.path(key).read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(saved, dict) and bool(saved.get("keyring"))

    def path(self, key: str) -> Path:
        """Return the file of the login kept under this name."""
        return self._folder / f"{quote(key, safe='')}.json"

    def _make_folder(self) -> None:
        make_private(self._folder.parent)
        make_private(self._folder)


def _unusable(path: Path, error: OSError) -> CliError:
    return CliError(
        f"Your login at {path} cannot be used: {error.strerror}.",
        "Check that folder, or set XDG_STATE_HOME to one that you can write to.",
    )
