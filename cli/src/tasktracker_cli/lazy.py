"""Commands whose modules are imported when they are asked for: starting stays quick."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from tasktracker_cli.errors import CliError


class Lazy(TyperCommand):
    """Stands for a command or a group of commands in the `app` of a module.

    `extra` names the optional part of this program that the module belongs to.
    """

    def __init__(
        self, name: str, module: str, about: str, *, extra: str = "", hidden: bool = False
    ) -> None:
        super().__init__(name=name, help=about, hidden=hidden)
        self._module = module
        self._extra = extra

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Let the real command take the arguments; the context is its own."""
        return self.real.make_context(*args, **more)

    @cached_property
    def real(self) -> TyperCommand | TyperGroup:
        """The command itself; CliError if its part of the program is not installed."""
        group = _group(self._imported().app)
        command = group.commands.get(str(self.name), group)
        assert isinstance(command, TyperCommand | TyperGroup)  # noqa: S101 - Typer makes no other
        command.help = command.help or self.help
        return command

    def _imported(self) -> Any:
        try:
            return import_module(self._module)
        except ModuleNotFoundError as error:
            if not self._extra:
                raise
            raise CliError(
                f"The {self.name} commands need {error.name}, which is not installed.",
                f"Install them with: pip install 'tasktracker-cli[{self._extra}]'",
            ) from None


def _group(app: typer.Typer | TyperGroup) -> TyperGroup:
    if isinstance(app, TyperGroup):
        return app
    # Help is plain text: rich would double its start-up time.
    app.rich_markup_mode = None
    return get_group(app)
