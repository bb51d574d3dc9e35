"""`rotate-key`: a new key for access tokens."""

import typer

from tasktracker_cli.admin import keys
from tasktracker_cli.admin.commands.talk import talking
from tasktracker_cli.admin.site import Site

app = typer.Typer()


@app.command("rotate-key")
def rotate_key() -> None:
    """Sign access tokens with a new key; those of the key until now stay valid.

    \b
    Example: sudo tasktracker-cli admin rotate-key
    """
    with talking() as steps:
        keys.rotate(Site.from_environment(), steps)
        steps.console.print("Tokens are signed with a new key. Nobody has to log in again.")
