"""`users list|activate|deactivate|promote`: administration of accounts, without a login."""

import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from tasktracker_cli.session import Session
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.commands.options import ReportCommand
from tasktracker_cluster.commands.tables import Cell, table
from tasktracker_cluster.errors import CommandError, NoUserError
from tasktracker_cluster.jobs.tasks import Task
from tasktracker_cluster.machine import preflight, shell

app = typer.Typer(help="List accounts; activate, deactivate and promote them.")

Raw = Mapping[str, Any]
HEADINGS = ("ID", "USERNAME", "EMAIL", "NAME", "STATE")
_NAMES = {"list": "users"}  # what user_service calls an action that has another name here
NO_USER = 5  # user_service.management's exit code for an unknown account
Username = Annotated[str, typer.Argument(metavar="USERNAME", help="Whose account.")]


class UsersCommand(ReportCommand):
    """Prints accounts in the form of the API for superusers."""

    fields = (
        "id", "email", "username", "full_name", "is_active", "is_superuser",
        "created_at", "updated_at",
    )  # fmt: skip
    key = "id"


class UserListCommand(UsersCommand):
    """Prints a list of accounts."""

    is_list = True


@app.command("list", cls=UserListCommand)
def list_users(
    ctx: typer.Context,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="Only accounts with this in a name or address."),
    ] = None,
) -> None:
    """List accounts in the order of their registration.

    \b
    Examples:
      sudo tasktracker-cli admin users list
      sudo tasktracker-cli admin users list example.com --fields id,username
    """
    session: Session = ctx.obj
    terminal = session.output.terminal
    session.output.records(
        _run("list", *([text] if text else [])),
        lambda accounts: table(HEADINGS, map(_cells, accounts), terminal=terminal),
    )


@app.command(cls=UsersCommand)
def activate(ctx: typer.Context, username: Username) -> None:
    """Let a deactivated account log in again.

    \b
    Example: sudo tasktracker-cli admin users activate ada
    """
    _change(ctx, "activate", username, "Activated")


@app.command(cls=UsersCommand)
def deactivate(ctx: typer.Context, username: Username) -> None:
    """End an account's sessions, and refuse its logins. Its tasks stay.

    \b
    Example: sudo tasktracker-cli admin users deactivate ada
    """
    _change(ctx, "deactivate", username, "Deactivated")


@app.command(cls=UsersCommand)
def promote(ctx: typer.Context, username: Username) -> None:
    """Make an account a superuser. Superusers administer accounts through the API.

    \b
    Example: sudo tasktracker-cli admin users promote ada
    """
    _change(ctx, "promote", username, "Promoted")


def _change(ctx: typer.Context, action: str, username: str, done: str) -> None:
    session: Session = ctx.obj
    (account,) = _run(action, username)
    session.output.say(f"{done} {account['username']}.")
    session.output.row(
        account,
        lambda rows: table(HEADINGS, map(_cells, rows), terminal=session.output.terminal),
    )


def _run(action: str, *arguments: str) -> Iterator[Raw]:
    """Run the service's own program in its task, with its rules, its role and its database."""
    cluster = Cluster.from_environment()
    here = shlex.join(["tasktracker-cli", "admin", "users", action, *arguments])
    preflight.must_be_first(cluster.site, here)
    task = Task.find(cluster, "user-service", "app")
    done = subprocess.run(
        task.command([task.python, "-m", "user_service", _NAMES.get(action, action), *arguments]),
        env=task.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == NO_USER:
        raise NoUserError(
            f"There is no user {arguments[-1]!r}.", "List them: tasktracker-cli admin users list"
        )
    with reporting():
        must_have_worked(done)
    yield from map(json.loads, done.stdout.splitlines())


def must_have_worked(done: subprocess.CompletedProcess[str]) -> None:
    """Raise CommandError with the last lines that the program printed, unless it ended well."""
    if done.returncode != 0:
        raise CommandError(
            f"The user service's own program failed with exit code {done.returncode}.",
            "Find out why: ./just doctor",
            done.stderr.splitlines()[-shell.EVIDENCE_LINES :],
        )


def _cells(account: Raw) -> list[Cell]:
    state, colour = ("active", "green") if account["is_active"] else ("inactive", "red")
    if account["is_superuser"]:
        state += " superuser"
    names = (account["username"], account["email"], account["full_name"])
    return [account["id"], *names, (state, colour)]
