"""`rotate-key`: a new key for access tokens."""

import typer

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.jobs import signing_keys

app = typer.Typer()


@app.command("rotate-key")
def rotate_key() -> None:
    """Sign access tokens with a new key. Tokens of the present key stay valid.

    \b
    Example: sudo tasktracker-cli admin rotate-key
    """
    with reporting() as steps:
        signing_keys.rotate(Cluster.from_environment(), steps)
        steps.console.print("Tokens are signed with a new key. Users stay logged in.")
