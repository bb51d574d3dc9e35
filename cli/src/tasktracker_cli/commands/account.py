"""account show, update, password, sessions."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tasktracker_cli.commands import passwords, sessions
from tasktracker_cli.commands.login import show as show_user
from tasktracker_cli.commands.options import GatewayCommand, PasswordStdin, UserCommand
from tasktracker_cli.errors import UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session

app = typer.Typer()
app.add_typer(sessions.app, name="sessions")


@app.command(cls=UserCommand)
def show(ctx: typer.Context) -> None:
    """Show your account.

    \b
    Example:
      tasktracker-cli account show --json
    """
    show_user(ctx.obj, ctx.obj.client.me())


@app.command(cls=UserCommand)
def update(
    ctx: typer.Context,
    email: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Your e-mail address.")
    ] = None,
    full_name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Your name, as people write it.")
    ] = None,
    no_full_name: Annotated[
        bool, typer.Option("--no-full-name", help="Remove your full name.")
    ] = False,
    password_stdin: PasswordStdin = False,
) -> None:
    """Change your e-mail address or full name.

    Another address takes your password, which is asked for.

    \b
    Examples:
      tasktracker-cli account update --full-name "Ada Lovelace"
      tasktracker-cli account update --email ada@example.org
    """
    if full_name is not None and no_full_name:
        raise UsageError("An option and its --no-... contradict each other.", "Give one of them.")
    changes: dict[str, Any] = {"email": email, "full_name": full_name}
    changes = {name: value for name, value in changes.items() if value is not None}
    if no_full_name:
        changes["full_name"] = None
    if not changes:
        raise UsageError("Nothing to change.", "Say what, with --email or --full-name.")
    if email is not None:
        ask = passwords.read if password_stdin else passwords.ask
        changes["current_password"] = ask()
    session: Session = ctx.obj
    raw = session.client.update_me(changes)
    session.output.say("Updated your account.")
    show_user(session, raw)


@app.command(cls=GatewayCommand)
def password(ctx: typer.Context, password_stdin: PasswordStdin = False) -> None:
    """Change your password, and end your sessions everywhere else.

    Tokens of programs stay: see token list.

    With --password-stdin the first line is the current password, the second the new one.

    \b
    Examples:
      tasktracker-cli account password
      printf '%s\\n' "$OLD" "$NEW" | tasktracker-cli account password --password-stdin
    """
    session: Session = ctx.obj
    # First, because this renews an expired login: the refresh token to keep is read later.
    user = models.user(session.client.me())
    if password_stdin:
        current, new = passwords.read(), passwords.read()
    else:
        current = passwords.ask("Current password")
        new = passwords.ask_new("New password")
    session.client.change_password(current, new)
    session.output.say(f"Changed the password of {user.username}; other sessions have ended.")
    session.output.say("Tokens of programs stay. See them with: tasktracker-cli token list")
