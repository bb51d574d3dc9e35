"""account sessions list, end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any
from uuid import UUID

import typer

from tasktracker_cli.commands.options import DataCommand, GatewayCommand
from tasktracker_cli.errors import CliError, NotFoundError, UsageError
from tasktracker_cli.gateway import models
from tasktracker_cli.session import Session

app = typer.Typer(help="List where you are logged in, and end logins.", rich_markup_mode=None)

LIST = "See your sessions with: tasktracker-cli account sessions list"


class SessionListCommand(DataCommand):
    """Prints sessions."""

    fields = models.SESSION_FIELDS
    is_list = True


@app.command("list", cls=SessionListCommand)
def list_(ctx: typer.Context) -> None:
    """List where you are logged in, the session used last first.

    A session is used when it is opened and every 15 minutes that you work in it.

    \b
    Examples:
      tasktracker-cli account sessions list
      tasktracker-cli account sessions list --json --jq '.[] | select(.current)'
    """
    session: Session = ctx.obj
    raws = session.client.sessions()
    session.output.records(
        raws,
        lambda raws: session.output.table(
            ("id", "program", "used", "opened", "here"), _shown(raws)
        ),
    )


@app.command(cls=GatewayCommand)
def end(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="The sessions to end.")
    ] = None,
    others: Annotated[
        bool, typer.Option("--others", help="End every session but this one.")
    ] = False,
) -> None:
    """End sessions. A program that uses one has to log in again.

    \b
    Examples:
      tasktracker-cli account sessions end 7d444840-9dc0-11d1-b245-5ffdce74fad2
      tasktracker-cli account sessions end --others
    """
    if bool(ids) is others:
        raise UsageError("Say which sessions to end.", "Give their ids or --others, and not both.")
    session: Session = ctx.obj
    if others:
        session.client.end_other_sessions()
        session.output.say("Ended every session of yours but this one.")
        return
    failures = [failure for each in map(_id, ids or ()) if (failure := _end(session, each))]
    if failures:
        raise NotFoundError  # each failure was reported already


def _end(session: Session, session_id: str) -> CliError | None:
    """End one; tell if there is none, and give that error."""
    try:
        session.client.end_session(session_id)
    except NotFoundError as error:
        error.message = f"You have no session {session_id}."
        session.output.error(error)
        return error
    session.output.say(f"Ended the session {session_id}.")
    return None


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise UsageError(f"{text} is no session's id.", LIST) from None


def _shown(raws: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for raw in raws:
        each = models.login_session(raw)
        yield {
            "id": each.id,
            "program": each.program or "-",
            "used": f"{each.used:%Y-%m-%d %H:%M}",
            "opened": f"{each.opened:%Y-%m-%d %H:%M}",
            "here": "yes" if each.is_current else "-",
        }
