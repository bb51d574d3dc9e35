"""Short names for commands: those that people type, and those that the user has made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

from tasktracker_cli.errors import UsageError

if TYPE_CHECKING:
    from tasktracker_cli.config_file import ConfigFile

# These work with and without `task` in front.
SHORT = {"add": "create", "ls": "list", "done": "complete", "rm": "delete"}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_PLACE = re.compile(r"\$([1-9])")


class Aliases:
    """The user's own names for command lines, kept in the configuration."""

    def __init__(self, configuration: ConfigFile) -> None:
        self._configuration = configuration

    def all(self) -> dict[str, str]:
        """Return the command line of each alias, without the program's name."""
        kept = self._configuration.load()["aliases"]
        return {name: str(kept[name]) for name in sorted(kept)}

    def set(self, name: str, expansion: str) -> None:
        """Keep an alias, replacing an older one. Raises UsageError if it cannot be one."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is not a name for an alias.",
                "Give up to 32 letters, digits, dots, dashes and underscores.",
            )
        if not _words(name, expansion):
            raise UsageError("An alias stands for a command.", "Give one, as in: task list")
        self._configuration.save("aliases", {**self.all(), name: expansion})

    def delete(self, name: str) -> None:
        """Forget an alias. Raises UsageError if there is none."""
        kept = self.all()
        if name not in kept:
            raise UsageError(f"There is no alias {name!r}.", "See: tasktracker-cli alias list")
        del kept[name]
        self._configuration.save("aliases", kept)

    def expanded(self, name: str, arguments: Sequence[str]) -> list[str] | None:
        """Return the command line that an alias and its arguments stand for; None if it is none.

        $1 to $9 take an argument each. The other arguments follow at the end. Raises UsageError
        when a place has no argument.
        """
        expansion = self.all().get(name)
        if expansion is None:
            return None
        words = _words(name, expansion)
        places = {int(place) for word in words for place in _PLACE.findall(word)}
        if len(arguments) < max(places, default=0):
            raise UsageError(
                f"The alias {name} needs {max(places)} arguments.", f"It stands for: {expansion}"
            )
        rest = [one for number, one in enumerate(arguments, start=1) if number not in places]
        filled = [_PLACE.sub(lambda place: arguments[int(place[1]) - 1], word) for word in words]
        return [*filled, *rest]


class ShortNames(TyperGroup):
    """A group whose commands have the short names of SHORT, too."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return super().get_command(ctx, SHORT.get(cmd_name, cmd_name))


class Program(TyperGroup):
    """The whole command line: what is no command of its own may be a short name or an alias."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, *arguments = args
        if name not in self.commands:
            args = _expanded(ctx, name, arguments) or args
        return super().resolve_command(ctx, args)


def _expanded(ctx: Any, name: str, arguments: Sequence[str]) -> list[str] | None:
    mine: list[str] | None = ctx.obj.aliases.expanded(name, arguments)
    if mine is None and name in SHORT:
        return ["task", SHORT[name], *arguments]
    return mine


def _words(name: str, expansion: str) -> list[str]:
    import shlex

    try:
        return shlex.split(expansion)
    except ValueError:
        raise UsageError(
            f"The alias {name} has a quotation mark without its other.", f"It is: {expansion}"
        ) from None
