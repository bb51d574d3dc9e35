"""`rotate`: new secrets of the cluster, while it runs."""

import typer

from tasktracker_cluster import rotating
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.jobs import database_logins, signing_keys
from tasktracker_cluster.membership import rotations

app = typer.Typer(help="Replace secrets of the running cluster.", no_args_is_help=True)

# The name that `rotate signing-key` had before.
former = typer.Typer()


@app.command("certificates")
def rotate_certificates() -> None:
    """Give new certificates and keys to the agents, the tools and the pages of every machine.

    The authority stays the same, so the old ones are good until they end. Nomad is restarted on one
    machine after another. Open join lines end.

    \b
    Example: sudo tasktracker-cli admin rotate certificates
    """
    with reporting() as steps:
        rotating.rotate(Cluster.from_environment(), steps, rotations.CERTIFICATES)
        steps.console.print("Every party has a new certificate.")


@app.command("authority")
def rotate_authority() -> None:
    """Replace the authority, and with it all certificates and keys, on every machine.

    The old authority and its certificates are refused at the end. Nomad is restarted three times on
    each machine, one after another. Open join lines end.

    \b
    Example: sudo tasktracker-cli admin rotate authority
    """
    with reporting() as steps:
        rotating.rotate(Cluster.from_environment(), steps, rotations.AUTHORITY)
        steps.console.print("Every party has a certificate of a new authority.")
        steps.console.print("The old authority and its certificates are refused.")


@app.command("gossip")
def rotate_gossip() -> None:
    """Encrypt the gossip of Consul and Nomad with new keys, on every machine.

    Nothing is restarted.

    \b
    Example: sudo tasktracker-cli admin rotate gossip
    """
    with reporting() as steps:
        rotating.rotate(Cluster.from_environment(), steps, rotations.GOSSIP)
        steps.console.print("Gossip has new keys, and the old ones are refused.")


@app.command("agent-tokens")
def rotate_agent_tokens() -> None:
    """Give new Consul tokens to the agents of every machine, and new tokens to the operator.

    Nomad is restarted on one machine after another. The old tokens are refused, those of
    `./just env` too.

    \b
    Example: sudo tasktracker-cli admin rotate agent-tokens
    """
    with reporting() as steps:
        rotating.rotate(Cluster.from_environment(), steps, rotations.AGENT_TOKENS)
        steps.console.print("The agents and the operator have new tokens.")
        steps.console.print('In a shell that has the old ones: eval "$(./just env)"')


@app.command("db-password")
def rotate_db_password() -> None:
    """Let the services log in to both databases with new passwords, and end the old ones.

    That is the passwords of the applications and of the migrations. The databases go on, and the
    instances of both services are replaced.

    \b
    Example: sudo tasktracker-cli admin rotate db-password
    """
    with reporting() as steps:
        database_logins.rotate(Cluster.from_environment(), steps)
        steps.console.print("The services have new passwords, and the old ones are refused.")


@former.command("rotate-key", hidden=True)
@app.command("signing-key")
def rotate_signing_key() -> None:
    """Sign access tokens with a new key. Tokens of the present key stay valid.

    \b
    Example: sudo tasktracker-cli admin rotate signing-key
    """
    with reporting() as steps:
        signing_keys.rotate(Cluster.from_environment(), steps)
        steps.console.print("Tokens are signed with a new key. Users stay logged in.")
