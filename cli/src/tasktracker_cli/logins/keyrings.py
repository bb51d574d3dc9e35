"""The system's keyring, where there is one: GNOME, KDE, macOS or Windows keep the tokens."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")

SERVICE = "tasktracker-cli"
LIMIT = 30.0  # seconds: enough to unlock it


class Keyring:
    """Keeps secrets under names. Without a keyring nothing is kept, and no error is raised.

    One that does not answer within `limit` seconds counts as none.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ, limit: float = LIMIT) -> None:
        self._environ = environ
        self._limit = limit

    def get(self, name: str) -> str | None:
        """Return the secret kept under this name, if there is one."""
        return self._ask(lambda keyring: keyring.get_password(SERVICE, name))

    def set(self, name: str, secret: str) -> bool:
        """Keep a secret; return whether it can be read back."""

        def keep(keyring: Any) -> bool:
            keyring.set_password(SERVICE, name, secret)
            return bool(keyring.get_password(SERVICE, name) == secret)

        return bool(self._ask(keep))

    def delete(self, name: str) -> None:
        """Forget the secret kept under this name."""
        self._ask(lambda keyring: keyring.delete_password(SERVICE, name))

    def _ask(self, question: Callable[[Any], T]) -> T | None:
        """Return the keyring's answer, or None if there is none in time."""
        if not self._may_exist():
            return None
        answers: list[T] = []

        def ask() -> None:
            try:
                import keyring

                # A backend that does nothing, or that writes plain files, has a priority below 1.
                if keyring.get_keyring().priority >= 1:
                    answers.append(question(keyring))
            except Exception:
                # Backends raise errors of many kinds. The tokens then go into a file.
                return

        asking = Thread(target=ask, daemon=True)
        asking.start()
        asking.join(self._limit)
        return answers[0] if answers else None

    def _may_exist(self) -> bool:
        """Return whether to look at all: on Linux a keyring is reached over the session's bus."""
        chosen = "PYTHON_KEYRING_BACKEND" in self._environ
        return chosen or sys.platform != "linux" or "DBUS_SESSION_BUS_ADDRESS" in self._environ
