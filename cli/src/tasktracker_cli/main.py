"""The program `tasktracker-cli`: its commands put together."""

from __future__ import annotations

import sys
from importlib import import_module, metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from tasktracker_cli.choices import expected
from tasktracker_cli.commands import account, stats, task
from tasktracker_cli.config import DEFAULT_URL
from tasktracker_cli.errors import CliError, guard
from tasktracker_cli.output import Output
from tasktracker_cli.session import Session

PROGRAM = "tasktracker-cli"


class Admin(TyperCommand):
    """The operator's commands, imported only when they are asked for."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        try:
            app = import_module("tasktracker_cli.admin.app").app
        except ModuleNotFoundError as error:
            raise CliError(
                f"The admin commands need {error.name}, which is not installed.",
                "Install them with: pip install 'tasktracker-cli[admin]'",
            ) from None
        return get_command(app).make_context(*args, **extra)


def program() -> TyperGroup:
    """Return the whole command line. Help is plain text: rich would double its start-up time."""
    app = typer.Typer(
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    app.add_typer(account.app)
    app.add_typer(task.app, name="task", help="Create, list, change and delete your tasks.")
    app.add_typer(stats.app)
    group = get_group(app)
    group.add_command(Admin(name="admin", help="Run the cluster: up, down, status and more."))
    return group


def run() -> int:
    """Run the program and return its exit code."""
    output = Output(expected(sys.argv[1:]))
    return guard(
        lambda: program().main(prog_name=PROGRAM, standalone_mode=False, obj=Session(output)),
        output,
    )


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {metadata.version(PROGRAM)}")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    url: Annotated[
        str,
        typer.Option(envvar="TASKTRACKER_URL", metavar="URL", help="The gateway's address."),
    ] = DEFAULT_URL,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """TaskTracker for the terminal.

    \b
    Start with:
      tasktracker-cli register --username ada --email ada@example.com
      tasktracker-cli login --username ada
      tasktracker-cli task create "Water the plants" --due 2030-12-31
      tasktracker-cli task list
    """
    ctx.obj.url = url
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
