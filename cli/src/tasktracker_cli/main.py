"""The program `tasktracker-cli`: its commands put together."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tasktracker_cli import __version__
from tasktracker_cli.aliases import Program
from tasktracker_cli.commands.options import gateway_options
from tasktracker_cli.errors import INTERRUPTED, guard
from tasktracker_cli.lazy import LazyCommand, MountedCommand, group_of
from tasktracker_cli.session import Session
from tasktracker_cli.terminal import streams
from tasktracker_cli.terminal.choices import expected
from tasktracker_cli.terminal.output import Output
from tasktracker_cli.terminal.sink import is_terminal

PROGRAM = "tasktracker-cli"

COMMANDS = (
    LazyCommand(
        "register",
        "tasktracker_cli.commands.login",
        "Make an account, and log in with it.",
    ),
    LazyCommand("login", "tasktracker_cli.commands.login", "Log in, and stay logged in."),
    LazyCommand(
        "logout", "tasktracker_cli.commands.login", "End the login, at the gateway and here."
    ),
    LazyCommand("whoami", "tasktracker_cli.commands.login", "Show who is logged in."),
    LazyCommand(
        "task", "tasktracker_cli.commands.task", "Create, list, change and delete your tasks."
    ),
    LazyCommand(
        "stats",
        "tasktracker_cli.commands.stats",
        "Show how many tasks you have, and how many are done.",
    ),
    LazyCommand("account", "tasktracker_cli.commands.account", "Show and change your account."),
    LazyCommand(
        "token", "tasktracker_cli.commands.token", "Make, list and revoke tokens for programs."
    ),
    LazyCommand(
        "profile", "tasktracker_cli.commands.profile", "Keep several gateways or users apart."
    ),
    LazyCommand("config", "tasktracker_cli.commands.config", "Choose how the program behaves."),
    LazyCommand("alias", "tasktracker_cli.commands.alias", "Make names of your own for commands."),
    LazyCommand("api", "tasktracker_cli.commands.api", "Send any request to the gateway's API."),
    LazyCommand(
        "completion", "tasktracker_cli.commands.completion", "Let Tab complete in your shell."
    ),
    LazyCommand(
        "complete",
        "tasktracker_cli.commands.complete",
        "Print candidates for the last word: a value and its explanation per line.",
        hidden=True,
    ),
    LazyCommand(
        "help", "tasktracker_cli.commands.help", "Explain dates, exit codes, environment, output."
    ),
    MountedCommand(
        "admin",
        "tasktracker-cluster",
        "Run the cluster: bring it up, look at it, take it down.",
    ),
)


def program() -> TyperGroup:
    """Return the whole command line."""
    app = typer.Typer(
        cls=Program,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    group = group_of(app)
    group.params[:0] = gateway_options(with_environment=True)
    for command in COMMANDS:
        group.add_command(command)
    return group


def run() -> int:
    """Run the program and return its exit code."""
    streams.open_closed()
    output = Output(expected(sys.argv[1:]))
    session = Session(output)

    def main() -> Any:
        with streams.writing():
            return program().main(prog_name=PROGRAM, standalone_mode=False, obj=session)

    code = guard(main, output)
    if session.trace is not None:
        from tasktracker_cli.traces.report import report

        with suppress(KeyboardInterrupt):  # it ends the wait for the trace: the run has its code
            report(output, session.trace)
    if code == INTERRUPTED and is_terminal(sys.stderr):
        streams.tell("")  # the shell's next line begins on a line of its own
    return code


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _root(
    ctx: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """TaskTracker for the terminal.

    \b
    Start with:
      tasktracker-cli register
      tasktracker-cli task create "Water the plants" --due 2030-12-31
      tasktracker-cli task list

    Short names: add, ls, done and rm are task create, list, complete and delete.
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
