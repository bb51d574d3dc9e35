"""alias list, set, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tasktracker_cli.commands.config import ConfigCommand
from tasktracker_cli.errors import ConflictError
from tasktracker_cli.session import Session

app = typer.Typer()

FIELDS = ("name", "expansion")


def _known(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    aliases: dict[str, str] = ctx.obj.aliases.all()
    return [one for one in aliases.items() if one[0].startswith(incomplete)]


class AliasCommand(ConfigCommand):
    """Prints aliases."""

    fields = FIELDS


@app.command("list", cls=AliasCommand)
def list_(ctx: typer.Context) -> None:
    """List your aliases.

    \b
    Example:
      tasktracker-cli alias list
    """
    session: Session = ctx.obj
    raws = [dict(zip(FIELDS, alias, strict=True)) for alias in session.aliases.all().items()]
    count = session.output.records(raws, lambda raws: session.output.table(FIELDS, raws))
    if not count and session.output.choices.for_people:
        session.output.note('No aliases yet. Make one with: tasktracker-cli alias set NAME "..."')


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    expansion: Annotated[
        str,
        typer.Argument(metavar="COMMAND", help="The command, without tasktracker-cli."),
    ],
) -> None:
    """Make a name of your own for a command and its options.

    $1 to $9 stand for the arguments that you will give; others follow at the end. The name
    of a command cannot be an alias.

    \b
    Examples:
      tasktracker-cli alias set late 'task list --overdue --sort due_date'
      tasktracker-cli alias set urgent 'task create "$1" --priority high --due today'
      tasktracker-cli urgent "Call Ada"
    """
    session: Session = ctx.obj
    root: Any = ctx.find_root().command
    if name in root.commands:
        raise ConflictError(f"{name} is a command already.", "Choose another name.")
    session.aliases.set(name, expansion)
    session.output.say(f"{name} stands for: tasktracker-cli {expansion}")


@app.command()
def delete(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The alias.", autocompletion=_known)],
) -> None:
    """Forget an alias.

    \b
    Example:
      tasktracker-cli alias delete late
    """
    session: Session = ctx.obj
    session.aliases.delete(name)
    session.output.say(f"Forgot the alias {name}.")
