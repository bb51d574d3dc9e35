"""`users list|activate|deactivate|promote`: accounts, for an operator who has none himself."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tasktracker_cli.admin.commands.options import ReportCommand
from tasktracker_cli.admin.errors import CommandError
from tasktracker_cli.admin.site import Site
from tasktracker_cli.admin.tasks import Task
from tasktracker_cli.session import Session
from tasktracker_cli.terminal.text import visible

app = typer.Typer(help="List accounts; activate, deactivate and promote them.")

Raw = Mapping[str, Any]
Username = Annotated[str, typer.Argument(metavar="USERNAME", help="Whose account.")]


class UsersCommand(ReportCommand):
    """Prints accounts, as the API shows them to superusers."""

    fields = (
        "id", "email", "username", "full_name", "is_active", "is_superuser",
        "created_at", "updated_at",
    )  # fmt: skip
    has_id = True


class UserListCommand(UsersCommand):
    is_list = True


@app.command("list", cls=UserListCommand)
def list_users(
    ctx: typer.Context,
    text: Annotated[
        str | None, typer.Argument(help="Only accounts with this in a name or address.")
    ] = None,
) -> None:
    """List accounts in the order in which they were made.

    \b
    Examples:
      sudo tasktracker-cli admin users list
      sudo tasktracker-cli admin users list example.com --fields id,username
    """
    session: Session = ctx.obj
    session.output.records(_run("users", *([text] if text else [])), _table)


@app.command(cls=UsersCommand)
def activate(ctx: typer.Context, username: Username) -> None:
    """Let a deactivated account log in again.

    \b
    Example: sudo tasktracker-cli admin users activate ada
    """
    _change(ctx, "activate", username, "Activated")


@app.command(cls=UsersCommand)
def deactivate(ctx: typer.Context, username: Username) -> None:
    """End an account's sessions, and let it log in no more. Its tasks stay.

    \b
    Example: sudo tasktracker-cli admin users deactivate ada
    """
    _change(ctx, "deactivate", username, "Deactivated")


@app.command(cls=UsersCommand)
def promote(ctx: typer.Context, username: Username) -> None:
    """Make an account a superuser, who may administer the others through the API.

    \b
    Example: sudo tasktracker-cli admin users promote ada
    """
    _change(ctx, "promote", username, "Promoted")


def _change(ctx: typer.Context, action: str, username: str, done: str) -> None:
    session: Session = ctx.obj
    (account,) = _run(action, username)
    session.output.say(f"{done} {account['username']}.")
    session.output.record(account, lambda: next(_table([account])))


def _run(*arguments: str) -> Iterator[Raw]:
    """Run the service's own program in its task: with its rules, its role and its database."""
    site = Site.from_environment()
    task = Task.find(site, "user-service", "app")
    program = f"{site.home}/releases/{task.release}/bin/python"
    result = subprocess.run(
        task.command([program, "-m", "user_service", *arguments]),
        env=task.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise CommandError(result.stderr.strip().splitlines()[-1] + ".")
    yield from map(json.loads, result.stdout.splitlines())


def _table(accounts: Iterable[Raw]) -> Iterator[Table]:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("ID", "USERNAME", "EMAIL", "NAME", "STATE"):
        table.add_column(heading)
    for each in accounts:
        state = Text("active", "green") if each["is_active"] else Text("inactive", "red")
        if each["is_superuser"]:
            state.append(" superuser", "bold")
        names = (each["username"], each["email"], each["full_name"] or "-")
        table.add_row(str(each["id"]), *(Text(visible(name)) for name in names), state)
    yield table
