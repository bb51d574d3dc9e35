"""Commands whose modules are imported on first use, so that the program starts quickly."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from tasktracker_cli.errors import CliError
from tasktracker_cli.terminal.help_formatter import HelpContext

ENTRY_POINTS = "tasktracker_cli.commands"

_ANY_LENGTH = 1_000  # characters of one sentence


class LazyCommand(TyperCommand):
    """Stands for a command or a group of commands in the `app` of a module."""

    def __init__(self, name: str, module: str, about: str, *, hidden: bool = False) -> None:
        super().__init__(name=name, help=about, hidden=hidden)
        _list_uncut(self)
        self._module = module

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Let the real command take the arguments; the context is its own."""
        return self.real.make_context(*args, **more)

    @cached_property
    def real(self) -> TyperCommand | TyperGroup:
        """The command itself."""
        group = group_of(self._load())
        command = group.commands.get(str(self.name), group)
        assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101 - Typer makes no other
        command.help = command.help or self.help
        return command

    def _load(self) -> typer.Typer | TyperGroup:
        app: typer.Typer | TyperGroup = import_module(self._module).app
        return app


class MountedCommand(LazyCommand):
    """Stands for commands that another distribution brings.

    The distribution names its Typer app in an entry point of the group `tasktracker_cli.commands`.
    """

    def __init__(self, name: str, distribution: str, about: str) -> None:
        super().__init__(name, "", about)
        self._distribution = distribution

    def _load(self) -> typer.Typer | TyperGroup:
        """Load the entry point. Raises CliError when its distribution is not installed."""
        from importlib.metadata import entry_points

        found = entry_points(group=ENTRY_POINTS, name=str(self.name))
        if not found:
            raise CliError(
                f"The {self.name} commands are not installed.",
                f"Install them with: pip install {self._distribution}",
            )
        app: typer.Typer | TyperGroup = next(iter(found)).load()
        return app


def group_of(app: typer.Typer | TyperGroup) -> TyperGroup:
    """Return the commands of an app as a group, whose help has this program's form."""
    if isinstance(app, typer.Typer):
        # Help is plain text: rich would double its start-up time.
        app.rich_markup_mode = None
        app = get_group(app)
    _shape_help(app)
    return app


def _shape_help(command: Any) -> None:
    command.context_class = HelpContext
    _list_uncut(command)
    if isinstance(command, TyperGroup):
        # A group needs a command: without one, its help says which there are.
        command.no_args_is_help = not command.invoke_without_command
        for one in command.commands.values():
            _shape_help(one)


def _list_uncut(command: TyperCommand) -> None:
    """Let the list of a group's commands wrap a sentence, which Click would cut off."""
    command.short_help = command.get_short_help_str(_ANY_LENGTH)
