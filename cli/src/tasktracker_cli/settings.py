"""What the user sets once instead of with an option every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasktracker_cli.config_file import ConfigFile
from tasktracker_cli.errors import UsageError


@dataclass(frozen=True)
class Setting:
    """A setting and its values; the first is the one without a choice."""

    name: str
    values: tuple[str, ...]
    about: str


LIST = Setting("list", ("all", "open"), "Which tasks `task list` shows as a table.")
DATE_ORDER = Setting(
    "date-order",
    ("locale", "day-first", "month-first"),
    "Which number of a date like 1.2.2031 is the day.",
)

SETTINGS = {setting.name: setting for setting in (LIST, DATE_ORDER)}


class Settings:
    """The settings of the configuration."""

    def __init__(self, configuration: ConfigFile) -> None:
        self._configuration = configuration

    def get(self, setting: Setting) -> str:
        """Return the value that was chosen, or the first. Raises CliError if it is no value."""
        value: Any = self._configuration.load()["settings"].get(setting.name, setting.values[0])
        if value not in setting.values:
            raise self._configuration.damaged()
        return str(value)

    def choose(self, setting: Setting, value: str) -> None:
        """Keep a value. Raises UsageError if it is none of the setting's."""
        if value not in setting.values:
            raise UsageError(
                f"{value!r} is not a value of {setting.name}.",
                f"Give one of {', '.join(setting.values)}.",
            )
        self._save({**self._configuration.load()["settings"], setting.name: value})

    def forget(self, setting: Setting) -> None:
        """Go back to the value without a choice."""
        kept = self._configuration.load()["settings"]
        self._save({name: value for name, value in kept.items() if name != setting.name})

    def _save(self, kept: dict[str, Any]) -> None:
        self._configuration.save("settings", kept)


def named(name: str) -> Setting:
    """Return a setting by its name. Raises UsageError if there is none."""
    if name not in SETTINGS:
        raise UsageError(f"There is no setting {name!r}.", f"There are {', '.join(SETTINGS)}.")
    return SETTINGS[name]
