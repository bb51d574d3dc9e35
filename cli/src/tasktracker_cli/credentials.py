"""The user's logins: one private file per gateway, so that no token meets another gateway."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from tasktracker_cli.errors import CliError


@dataclass(frozen=True)
class Login:
    """Who is logged in at a gateway, and the token that says so."""

    username: str
    access_token: str

    def __repr__(self) -> str:
        return f"Login(username={self.username!r})"  # a token must not reach a log or traceback


class Credentials:
    """Logins kept below `folder` (mode 0700), each in a file of mode 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "logins"

    def load(self, origin: str) -> Login | None:
        """Return the login at this gateway; a damaged file counts as none: login replaces it."""
        try:
            saved = json.loads(self._path(origin).read_text("utf-8"))
            return Login(str(saved["username"]), str(saved["access_token"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        except OSError as error:
            raise _unusable(self._path(origin), error) from error

    def save(self, origin: str, login: Login) -> None:
        """Keep the login, replacing an older one in one step."""
        path = self._path(origin)
        try:
            for folder in (self._folder.parent, self._folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
            _write_private(path, json.dumps(asdict(login)))
        except OSError as error:
            raise _unusable(path, error) from error

    def delete(self, origin: str) -> bool:
        """Forget the login at this gateway; return whether there was one."""
        try:
            self._path(origin).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _unusable(self._path(origin), error) from error
        return True

    def _path(self, origin: str) -> Path:
        return self._folder / f"{quote(origin, safe='')}.json"


def _write_private(path: Path, content: str) -> None:
    # mkstemp makes the file 0600 from the start: there is no moment when others can read it.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".login-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _unusable(path: Path, error: OSError) -> CliError:
    return CliError(
        f"Your login at {path} cannot be used: {error.strerror}.",
        "Check that folder, or set XDG_STATE_HOME to one that you can write to.",
    )
