"""register, login, logout, whoami."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from tasktracker_cli import models
from tasktracker_cli.commands.options import GatewayCommand, PasswordStdin, UserCommand
from tasktracker_cli.credentials import Login
from tasktracker_cli.errors import UsageError
from tasktracker_cli.session import Session

app = typer.Typer()


@app.command(cls=GatewayCommand)
def register(
    ctx: typer.Context,
    username: Annotated[str, typer.Option(metavar="NAME", help="The name to log in with.")],
    email: Annotated[str, typer.Option(metavar="ADDRESS", help="Your e-mail address.")],
    full_name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Your name, as people write it.")
    ] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Make an account."""
    session: Session = ctx.obj
    password = _read_password() if password_stdin else _ask_password(twice=True)
    account = {"username": username, "email": email, "password": password}
    if full_name is not None:
        account["full_name"] = full_name
    user = models.user(session.guest.register(account))
    session.output.say(
        f"Made the account {user.username}."
        f" Log in with: tasktracker-cli login --username {user.username}"
    )


@app.command(cls=GatewayCommand)
def login(
    ctx: typer.Context,
    username: Annotated[
        str, typer.Option(metavar="NAME", help="Your user name or e-mail address.")
    ],
    password_stdin: PasswordStdin = False,
) -> None:
    """Log in, and stay logged in at this gateway."""
    session: Session = ctx.obj
    password = _read_password() if password_stdin else _ask_password()
    token = models.token(session.guest.log_in(username, password))
    session.credentials.save(session.gateway.origin, Login(username, token))
    session.output.say(f"Logged in as {username} at {session.gateway.origin}.")


@app.command(cls=GatewayCommand)
def logout(ctx: typer.Context) -> None:
    """Forget the login at this gateway."""
    session: Session = ctx.obj
    origin = session.gateway.origin
    if session.credentials.delete(origin):
        session.output.say(f"Logged out at {origin}.")
    else:
        session.output.note(f"You were not logged in at {origin}.")


@app.command(cls=UserCommand)
def whoami(ctx: typer.Context) -> None:
    """Show who is logged in."""
    session: Session = ctx.obj
    raw = session.client.me()
    session.output.record(raw, lambda: session.views.user(models.user(raw), session.gateway.origin))


def _read_password() -> str:
    try:
        password = sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError("The password on standard input is not text in UTF-8.") from None
    if not password:
        raise UsageError("There is no password on standard input.")
    return password


def _ask_password(*, twice: bool = False) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to ask for the password on.", "Use --password-stdin."
        )
    try:
        password = getpass.getpass("Password: ")
        repeated = getpass.getpass("Password again: ") if twice else password
    except EOFError:
        raise typer.Abort from None
    if not password:
        raise UsageError("The password is empty.")
    if password != repeated:
        raise UsageError("The two passwords differ.", "Nothing was sent: try again.")
    return password
