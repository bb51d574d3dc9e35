"""Profiles: names for a gateway and who one is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tasktracker_cli.address import DEFAULT_URL
from tasktracker_cli.config_file import DEFAULT, ConfigFile
from tasktracker_cli.errors import CliError, ConflictError, UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Profile:
    """A gateway's address, and the name to log in with if one was given."""

    name: str
    url: str
    username: str | None = None


class Profiles:
    """The profiles of the configuration, and which of them is in use.

    The profile `default` is always there: the gateway of this machine.
    """

    def __init__(self, configuration: ConfigFile) -> None:
        self._configuration = configuration

    def all(self) -> list[Profile]:
        """Return every profile, `default` first."""
        return list(self._read()[1].values())

    def get(self, name: str) -> Profile:
        """Return a profile. Raises UsageError if there is none of this name."""
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
        profile = self.get(name)
        self._configuration.save("current", name)
        return profile

    def add(self, profile: Profile) -> None:
        """Keep a new profile. Raises ConflictError if its name is taken."""
        _, profiles = self._read()
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
        self._write({**profiles, profile.name: profile})

    def remove(self, name: str) -> Profile:
        """Forget a profile; `default` takes over if it was in use."""
        current, profiles = self._read()
        profile = _named(name, profiles)
        if name == DEFAULT:
            raise UsageError("The default profile is always there.", "Nothing was removed.")
        del profiles[name]
        self._write(profiles)
        if name == current:
            self._configuration.save("current", DEFAULT)
        return profile

    def _read(self) -> tuple[str, dict[str, Profile]]:
        """Return the name of the profile in use, and all profiles by name."""
        profiles = {DEFAULT: Profile(DEFAULT, DEFAULT_URL)}
        saved = self._configuration.load()
        try:
            for name, kept in saved["profiles"].items():
                profiles[name] = Profile(name, str(kept["url"]), kept.get("username"))
        except (KeyError, TypeError, AttributeError):
            raise self._configuration.damaged() from None
        return saved["current"], profiles

    def _write(self, profiles: dict[str, Profile]) -> None:
        kept: dict[str, Any] = {
            name: {"url": profile.url, "username": profile.username}
            for name, profile in profiles.items()
            if name != DEFAULT
        }
        self._configuration.save("profiles", kept)


def _named(name: str, profiles: dict[str, Profile]) -> Profile:
    if name not in profiles:
        raise UsageError(
            f"There is no profile {name!r}.",
            f"There are {', '.join(profiles)}; see: tasktracker-cli profile list",
        )
    return profiles[name]
