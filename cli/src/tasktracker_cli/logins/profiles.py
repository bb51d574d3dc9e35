"""Profiles: names for a gateway and who one is there."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasktracker_cli.config import DEFAULT_URL
from tasktracker_cli.errors import CliError, ConflictError, UsageError
from tasktracker_cli.logins.files import make_private, write_private

DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Profile:
    """A gateway's address, and the name to log in with if one was given."""

    name: str
    url: str
    username: str | None = None


class Profiles:
    """Profiles kept in `config.json` below `folder`, and which of them is in use.

    The profile `default` is always there: the gateway of this machine.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "config.json"

    def all(self) -> list[Profile]:
        """Return every profile, `default` first."""
        return list(self._read()[1].values())

    def get(self, name: str) -> Profile:
        """Return a profile; UsageError if there is none of this name."""
        return _named(name, self._read()[1])

    def current(self) -> Profile:
        """Return the profile that is used when none is named."""
        name, profiles = self._read()
        if name not in profiles:
            raise CliError(
                f"The profile in use, {name!r}, is not there any more.",
                f"Use the one of this machine with: tasktracker-cli profile use {DEFAULT}",
            )
        return profiles[name]

    def current_name(self) -> str:
        """Return the name of the profile in use, even if there is none of this name."""
        return self._read()[0]

    def use(self, name: str) -> Profile:
        """Use this profile from now on."""
        _, profiles = self._read()
        profile = _named(name, profiles)
        self._write(name, profiles)
        return profile

    def add(self, profile: Profile) -> None:
        """Keep a new profile; ConflictError if its name is taken."""
        current, profiles = self._read()
        if not _NAME.fullmatch(profile.name):
            raise UsageError(
                f"{profile.name!r} is not a name for a profile.",
                "Give up to 64 letters, digits, dots, dashes and underscores.",
            )
        if profile.name in profiles:
            raise ConflictError(
                f"There is a profile {profile.name!r} already.",
                f"Remove it first with: tasktracker-cli profile remove {profile.name}",
            )
        self._write(current, {**profiles, profile.name: profile})

    def remove(self, name: str) -> Profile:
        """Forget a profile; `default` takes over if it was in use."""
        current, profiles = self._read()
        profile = _named(name, profiles)
        if name == DEFAULT:
            raise UsageError("The default profile is always there.", "Nothing was removed.")
        del profiles[name]
        self._write(DEFAULT if name == current else current, profiles)
        return profile

    def _read(self) -> tuple[str, dict[str, Profile]]:
        """Return the name of the profile in use, and all profiles by name."""
        profiles = {DEFAULT: Profile(DEFAULT, DEFAULT_URL)}
        try:
            saved = json.loads(self._path.read_text("utf-8"))
            for name, kept in saved["profiles"].items():
                profiles[name] = Profile(name, str(kept["url"]), kept.get("username"))
            return str(saved["current"]), profiles
        except FileNotFoundError:
            return DEFAULT, profiles
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CliError(
                f"The profiles at {self._path} cannot be read.",
                f"Mend that file, or delete it with: rm {shlex.quote(str(self._path))}",
            ) from None
        except OSError as error:
            raise self._unusable(error) from error

    def _write(self, current: str, profiles: dict[str, Profile]) -> None:
        kept: dict[str, Any] = {
            name: {"url": profile.url, "username": profile.username}
            for name, profile in profiles.items()
            if name != DEFAULT
        }
        try:
            make_private(self._path.parent)
            write_private(self._path, json.dumps({"current": current, "profiles": kept}, indent=2))
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> CliError:
        return CliError(
            f"The profiles at {self._path} cannot be used: {error.strerror}.",
            "Check that folder, or set XDG_CONFIG_HOME to one that you can write to.",
        )


def _named(name: str, profiles: dict[str, Profile]) -> Profile:
    if name not in profiles:
        raise UsageError(
            f"There is no profile {name!r}.",
            f"There are {', '.join(profiles)}; see: tasktracker-cli profile list",
        )
    return profiles[name]
