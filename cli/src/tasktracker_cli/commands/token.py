"""token create, list, revoke."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer

from tasktracker_cli.commands import passwords
from tasktracker_cli.commands.options import DataCommand, GatewayCommand, PasswordStdin
from tasktracker_cli.errors import NotFoundError, UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session

app = typer.Typer(help="Make, list and revoke tokens for programs.", rich_markup_mode=None)

LONGEST = 365  # days


class Scope(StrEnum):
    """What a token may do."""

    READ = "tasks:read"
    WRITE = "tasks:write"


class TokenCommand(DataCommand):
    """Prints a token that was just made; --quiet prints the token itself."""

    fields = (*models.TOKEN_FIELDS, "token")
    key = "token"


class TokenListCommand(DataCommand):
    """Prints tokens."""

    fields = models.TOKEN_FIELDS
    is_list = True


@app.command(cls=TokenCommand)
def create(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="A name, by which you recognise the token.")
    ],
    expires: Annotated[
        str, typer.Option(metavar="DAYS", help="After how many days it ends: 1d to 365d.")
    ] = "30d",
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may do; give it twice for both.")
    ] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Make a token for a program that cannot log in. It is shown once.

    It may read tasks and statistics, or change tasks; without --scope, read. It takes your
    password, which is asked for. A program uses it as TASKTRACKER_TOKEN.

    \b
    Examples:
      tasktracker-cli token create --name ci
      tasktracker-cli token create --name bot --expires 7d --scope tasks:read --scope tasks:write
    """
    session: Session = ctx.obj
    days = _days(expires)
    password = passwords.read() if password_stdin else passwords.ask()
    draft = {
        "name": name,
        "scopes": [each.value for each in dict.fromkeys(scope or [Scope.READ])],
        "expires_in_days": days,
        "current_password": password,
    }
    raw = session.client.create_token(draft)
    made = models.token(raw)
    session.output.say(f"Made the token {made.name}. It is not shown again: keep it now.")
    session.output.record(raw, lambda: made.secret or "")


@app.command("list", cls=TokenListCommand)
def list_(ctx: typer.Context) -> None:
    """List your tokens, the newest first, and when each was used last.

    \b
    Example:
      tasktracker-cli token list
    """
    session: Session = ctx.obj
    columns = ("id", "name", "scopes", "used", "expires")
    session.output.records(
        session.client.tokens(), lambda raws: session.output.table(columns, _shown(raws))
    )


@app.command(cls=GatewayCommand)
def revoke(
    ctx: typer.Context,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The tokens to end.")],
) -> None:
    """End tokens: within seconds they open nothing any more.

    \b
    Example:
      tasktracker-cli token revoke 7d444840-9dc0-11d1-b245-5ffdce74fad2
    """
    session: Session = ctx.obj
    missing = False
    for token_id in map(_id, ids):
        try:
            session.client.revoke_token(token_id)
        except NotFoundError as error:
            error.message = f"You have no token {token_id}."
            session.output.error(error)
            missing = True
        else:
            session.output.say(f"Revoked the token {token_id}.")
    if missing:
        raise NotFoundError  # each failure was reported already


def _days(text: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,2})d", text)
    if match is None or int(match[1]) > LONGEST:
        raise UsageError(f"{text} is no number of days.", "Give --expires 1d to 365d.")
    return int(match[1])


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        hint = "See your tokens with: tasktracker-cli token list"
        raise UsageError(f"{text} is no token's id.", hint) from None


def _shown(raws: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for raw in raws:
        each = models.token(raw)
        yield {
            "id": each.id,
            "name": each.name,
            "scopes": " ".join(each.scopes),
            "used": f"{each.used:%Y-%m-%d %H:%M}" if each.used else "-",
            "expires": f"{each.expires:%Y-%m-%d}",
        }
