"""config list, get, set, unset, path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import typer

from tasktracker_cli import settings
from tasktracker_cli.commands.options import DataCommand
from tasktracker_cli.session import Session
from tasktracker_cli.settings import SETTINGS, Setting

app = typer.Typer()

FIELDS = ("name", "value", "values", "about")


def _names(incomplete: str) -> list[tuple[str, str]]:
    return [(one.name, one.about) for one in SETTINGS.values() if one.name.startswith(incomplete)]


Name = Annotated[str, typer.Argument(metavar="NAME", help="The setting.", autocompletion=_names)]


class ConfigCommand(DataCommand):
    """Prints settings."""

    fields: ClassVar[Sequence[str]] = FIELDS
    key = "name"
    calls_gateway = False


@app.command("list", cls=ConfigCommand)
def list_(ctx: typer.Context) -> None:
    """List the settings, their values, and what else they may be.

    \b
    Example:
      tasktracker-cli config list
    """
    session: Session = ctx.obj
    raws = [_raw(session, setting) for setting in SETTINGS.values()]
    session.output.records(raws, lambda raws: session.output.table(FIELDS, raws))


@app.command()
def get(ctx: typer.Context, name: Name) -> None:
    """Print a setting's value.

    \b
    Example:
      tasktracker-cli config get list
    """
    session: Session = ctx.obj
    session.output.show(session.settings.get(settings.named(name)))


def _values(ctx: typer.Context, incomplete: str) -> list[str]:
    setting = SETTINGS.get(ctx.params.get("name", ""))
    return [value for value in setting.values if value.startswith(incomplete)] if setting else []


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Name,
    value: Annotated[
        str,
        typer.Argument(metavar="VALUE", help="The new value.", autocompletion=_values),
    ],
) -> None:
    """Choose a setting's value.

    \b
    Examples:
      tasktracker-cli config set list open
      tasktracker-cli config set date-order day-first
    """
    session: Session = ctx.obj
    session.settings.choose(settings.named(name), value)
    session.output.say(f"The setting {name} is {value}.")


@app.command()
def unset(ctx: typer.Context, name: Name) -> None:
    """Go back to the value that a setting has without a choice.

    \b
    Example:
      tasktracker-cli config unset list
    """
    session: Session = ctx.obj
    setting = settings.named(name)
    session.settings.forget(setting)
    session.output.say(f"The setting {name} is {setting.values[0]}.")


@app.command()
def path(ctx: typer.Context) -> None:
    """Print the path of the file with the profiles, settings and aliases.

    \b
    Example:
      cat "$(tasktracker-cli config path)"
    """
    session: Session = ctx.obj
    typer.echo(session.configuration.path)


def _raw(session: Session, setting: Setting) -> Mapping[str, Any]:
    return {
        "name": setting.name,
        "value": session.settings.get(setting),
        "values": list(setting.values),
        "about": setting.about,
    }
