"""That what is said of a command before it is imported is what it says itself."""

from collections.abc import Iterator

from typer.core import TyperGroup

from tasktracker_cli.lazy import LazyCommand
from tasktracker_cli.main import program


def lazies(group: TyperGroup) -> Iterator[LazyCommand]:
    for command in group.commands.values():
        if isinstance(command, LazyCommand):
            yield command
            if isinstance(command.real, TyperGroup):
                yield from lazies(command.real)


def test_a_command_is_announced_in_its_own_words() -> None:
    found = list(lazies(program()))
    assert {"login", "create", "undo", "admin"} <= {lazy.name for lazy in found}
    announced = {lazy.name: lazy.get_short_help_str(200) for lazy in found}
    assert announced == {lazy.name: lazy.real.get_short_help_str(200) for lazy in found}
