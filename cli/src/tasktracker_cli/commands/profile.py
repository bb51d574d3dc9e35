"""profile list, show, add, use, remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tasktracker_cli.address import Gateway
from tasktracker_cli.commands.completers import profile_names
from tasktracker_cli.commands.options import DataCommand, GatewayCommand
from tasktracker_cli.config_file import DEFAULT
from tasktracker_cli.logins.credentials import key
from tasktracker_cli.logins.profiles import Profile
from tasktracker_cli.session import Session

app = typer.Typer()

FIELDS = ("name", "url", "username", "current", "logged_in")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The profile.", autocompletion=profile_names)
]


class ProfileCommand(DataCommand):
    """Prints profiles."""

    fields = FIELDS
    key = "name"


class ProfileListCommand(ProfileCommand):
    """Prints a list of profiles."""

    is_list = True


@app.command("list", cls=ProfileListCommand)
def list_(ctx: typer.Context) -> None:
    """List the profiles, and where you are logged in.

    \b
    Example:
      tasktracker-cli profile list
    """
    session: Session = ctx.obj
    raws = [_raw(session, profile) for profile in session.profiles.all()]
    session.output.records(raws, lambda raws: session.output.table(FIELDS, raws))


@app.command(cls=ProfileCommand)
def show(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The profile; without it the one in use.",
            autocompletion=profile_names,
        ),
    ] = None,
) -> None:
    """Show a profile.

    \b
    Example:
      tasktracker-cli profile show work
    """
    session: Session = ctx.obj
    profile = session.profiles.get(name) if name else session.profile
    raw = _raw(session, profile)
    session.output.row(raw, lambda raws: session.output.table(FIELDS, raws))


@app.command(cls=GatewayCommand)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name for the profile.")],
    username: Annotated[str | None, typer.Option(metavar="NAME", help="Who logs in there.")] = None,
) -> None:
    """Keep the address that --url gives, and a user's name, as a profile.

    \b
    Examples:
      tasktracker-cli profile add work --url https://tasks.example.com --username ada
      tasktracker-cli --profile work login
    """
    session: Session = ctx.obj
    session.profiles.add(Profile(name, session.gateway.origin, username))
    session.output.say(
        f"Added the profile {name} for {session.gateway.origin}."
        f" Use it with: tasktracker-cli profile use {name}"
    )


@app.command(cls=GatewayCommand)
def use(ctx: typer.Context, name: Name) -> None:
    """Use a profile from now on, wherever no other is named.

    \b
    Example:
      tasktracker-cli profile use work
    """
    session: Session = ctx.obj
    profile = session.profiles.use(name)
    session.output.say(f"Using the profile {name}: {profile.url}.")


@app.command(cls=GatewayCommand)
def remove(ctx: typer.Context, name: Name) -> None:
    """Forget a profile. Log out first, or its login stays alive at the gateway.

    \b
    Example:
      tasktracker-cli --profile work logout && tasktracker-cli profile remove work
    """
    session: Session = ctx.obj
    profile = session.profiles.remove(name)
    session.credentials.delete(_key(profile))
    session.output.say(f"Removed the profile {name}.")
    if name == session.profile_name != DEFAULT:
        session.output.note("TASKTRACKER_PROFILE or --profile still names it.")


def _raw(session: Session, profile: Profile) -> Mapping[str, Any]:
    login = session.credentials.load(_key(profile))
    return {
        "name": profile.name,
        "url": profile.url,
        "username": profile.username or (login.username if login else None),
        "current": profile.name == session.profiles.current_name(),
        "logged_in": login is not None,
    }


def _key(profile: Profile) -> str:
    return key(Gateway.parse(profile.url).origin, profile.name)
