"""register, login, logout, whoami."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tasktracker_cli.commands import passwords
from tasktracker_cli.commands.options import GatewayCommand, PasswordStdin, UserCommand
from tasktracker_cli.errors import UnavailableError, UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session
from tasktracker_cli.terminal.sink import is_terminal
from tasktracker_cli.terminal.text import visible

app = typer.Typer()


@app.command(cls=GatewayCommand)
def register(
    ctx: typer.Context,
    username: Annotated[
        str | None, typer.Option(metavar="NAME", help="The name to log in with.")
    ] = None,
    email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Your e-mail address.")
    ] = None,
    full_name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Your name, as people write it.")
    ] = None,
    password_stdin: PasswordStdin = False,
    no_login: Annotated[
        bool, typer.Option("--no-login", help="Do not log in with the new account.")
    ] = False,
) -> None:
    """Make an account, and log in with it.

    What you do not give is asked for.

    \b
    Examples:
      tasktracker-cli register
      tasktracker-cli register --username ada --email ada@example.com
      pass show tasktracker | tasktracker-cli register --username ada --email ada@example.com \\
        --password-stdin
    """
    session: Session = ctx.obj
    account = {
        "username": username or _ask("Username", "--username NAME", password_stdin),
        "email": email or _ask("E-mail address", "--email ADDRESS", password_stdin),
        "password": passwords.read() if password_stdin else passwords.ask_new(),
    }
    if full_name is not None:
        account["full_name"] = full_name
    user = models.user(session.guest.register(account))
    if no_login:
        again = f"Log in with: tasktracker-cli login --username {user.username}"
        session.output.say(f"Made the account {user.username}. {again}")
        return
    session.output.say(f"Made the account {user.username}.")
    _log_in(session, user.username, account["password"])


@app.command(cls=GatewayCommand)
def login(
    ctx: typer.Context,
    username: Annotated[
        str | None, typer.Option(metavar="NAME", help="Your user name or e-mail address.")
    ] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Log in, and stay logged in.

    The tokens are kept in the system's keyring where there is one, else in a file that only
    you can read. They are only ever sent to the gateway that issued them.

    \b
    Examples:
      tasktracker-cli login --username ada
      pass show tasktracker | tasktracker-cli login --username ada --password-stdin
    """
    session: Session = ctx.obj
    username = username or _ask_username(session, password_stdin)
    _log_in(session, username, passwords.read() if password_stdin else passwords.ask())


@app.command(cls=GatewayCommand)
def logout(ctx: typer.Context) -> None:
    """End the login, at the gateway and here.

    \b
    Example:
      tasktracker-cli logout
    """
    session: Session = ctx.obj
    key, origin = session.login_key, session.gateway.origin
    with session.credentials.lock(key):
        login = session.credentials.load(key)
        there = session.credentials.delete(key)
    session.journal.forget()
    if login and login.refresh_token:
        _revoke(session, login.refresh_token)
    if there:
        session.output.say(f"Logged out at {origin}.")
    else:
        session.output.note(f"You were not logged in at {origin}.")
    _mention_token(session)


@app.command(cls=UserCommand)
def whoami(ctx: typer.Context) -> None:
    """Show who is logged in.

    \b
    Example:
      tasktracker-cli whoami --fields username -o csv
    """
    show(ctx.obj, ctx.obj.client.me())


def show(session: Session, raw: models.Raw) -> None:
    """Print a user."""
    session.output.record(raw, lambda: session.views.user(models.user(raw), session.gateway.origin))


def _log_in(session: Session, username: str, password: str) -> None:
    """Log in and keep the tokens."""
    from tasktracker_cli.gateway.access import login_of

    login = login_of(username, session.guest.log_in(username, password))
    key = session.login_key
    with session.credentials.lock(key):
        first = not session.credentials.load(key)
        secret = session.credentials.save(key, login, secretly=True)
    session.output.say(f"Logged in as {username} at {session.gateway.origin}.")
    if first and not secret:
        session.output.note(
            f"There is no system keyring: the tokens are in {session.credentials.path(key)},"
            " which only you can read."
        )
    _mention_token(session)


def _ask(question: str, option: str, password_stdin: bool) -> str:
    if password_stdin or not is_terminal(sys.stdin):
        raise UsageError("There is no terminal to ask on.", f"Give {option}.")
    answer: str = typer.prompt(question, err=True)
    return answer


def _ask_username(session: Session, password_stdin: bool) -> str:
    kept = session.credentials.load(session.login_key)
    known = session.profile.username or (kept.username if kept else None)
    if password_stdin or not is_terminal(sys.stdin):
        if session.profile.username:
            return session.profile.username
        raise UsageError("The user name is missing.", "Give --username NAME.")
    name: str = typer.prompt("Username", default=known and visible(known), err=True)
    return name


def _revoke(session: Session, refresh_token: str) -> None:
    try:
        session.guest.log_out(refresh_token)
    except UnavailableError as error:
        session.output.note(
            f"{error.message} The login is forgotten here, but was not ended there:"
            " it ends by itself after 30 days."
        )


def _mention_token(session: Session) -> None:
    if os.environ.get("TASKTRACKER_TOKEN"):
        session.output.note("TASKTRACKER_TOKEN is set, and is what requests will carry.")
