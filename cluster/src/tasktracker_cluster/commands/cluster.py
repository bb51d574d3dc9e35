"""`install`, `up`, `down`, `destroy`, `env`: the cluster as a whole."""

import json
from typing import Annotated

import typer

from tasktracker_cluster import lifecycle
from tasktracker_cluster.agents import consul, credentials, nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.commands.console import confirm, reporting
from tasktracker_cluster.jobs import passwords, placement, rollout, signing_keys
from tasktracker_cluster.machine import installing
from tasktracker_cluster.releases import installed
from tasktracker_cluster.site import Site
from tasktracker_cluster.urls import WEB_PAGES

app = typer.Typer()


@app.command()
def install(
    only_packages: Annotated[
        bool, typer.Option("--packages", help="Only the system's packages.")
    ] = False,
    observing: Annotated[
        bool, typer.Option("--observe", help="And everything that `observe` needs.")
    ] = False,
    traces: Annotated[
        bool, typer.Option("--traces", help="And what `observe --traces` needs.")
    ] = False,
    joining: Annotated[
        bool, typer.Option("--joining", help="Only what `join` needs: the cluster has the release.")
    ] = False,
) -> None:
    """Install everything that `up` needs, without starting it.

    \b
    Example: tasktracker-cli admin install --packages
    """
    with reporting() as steps:
        if only_packages:
            installing.install_packages(steps)
        else:
            site = Site.from_environment()
            lifecycle.install(site, steps, observing=observing, traces=traces, joining=joining)


@app.command()
def up(
    advertise: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Let other machines join at this address.")
    ] = "",
) -> None:
    """Install what is missing, start the agents and run every job.

    \b
    Example: sudo tasktracker-cli admin up
    """
    with reporting() as steps:
        lifecycle.up(Cluster.from_environment(), steps, advertise)
        steps.console.print(f"\nTaskTracker is up after {steps.elapsed:.1f} s.\n", highlight=False)
    for page in WEB_PAGES:
        typer.echo(f"{page.title:<8} {page.url:<22} {page.about}")
    typer.echo("\nNext: .venv/bin/tasktracker-cli register")


@app.command()
def down() -> None:
    """Stop everything, and keep the data.

    \b
    Example: sudo tasktracker-cli admin down
    """
    with reporting() as steps:
        lifecycle.down(Cluster.from_environment(), steps)
        steps.console.print("TaskTracker is down. Its data are kept: ./just up continues.")


@app.command()
def destroy(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything and delete all data: accounts, tasks, tokens.

    \b
    Example: sudo tasktracker-cli admin destroy --yes
    """
    cluster = Cluster.from_environment()
    if not yes:
        confirm(f"Delete {cluster.site.home} with every account and task in it?")
    with reporting() as steps:
        lifecycle.destroy(cluster, steps)
        steps.console.print("TaskTracker and its data are gone.")


@app.command()
def env() -> None:
    """Print export lines that give `nomad` and `consul` their address, certificate and token.

    \b
    Example: eval "$(tasktracker-cli admin env)"
    """
    site = Site.from_environment()
    release = installed.newest(site) if site.node.is_first else installed.present(site)
    token_file = credentials.path(site, "nomad_management")
    variables = {**nomad.environment(site), **consul.environment(site)}
    for line in (
        *(f"export {name}='{value}'" for name, value in variables.items()),
        *([f"export NOMAD_TOKEN=\"$(cat '{token_file}')\""] if site.node.is_first else []),
        f"export NOMAD_VAR_release={release.name}",
        f"export NOMAD_VAR_artifacts='{json.dumps(release.artifacts)}'",
        f"export NOMAD_VAR_signing_keys={signing_keys.deployed()}",
        f"export NOMAD_VAR_database_logins={passwords.deployed()}",
        f"export NOMAD_VAR_instances={placement.deployed()}",
        f"export NOMAD_VAR_members={placement.deployed_members()}",
        f"export NOMAD_VAR_network={site.node.first_address}",
        f"export NOMAD_VAR_nodes='{json.dumps(rollout.deployed_nodes())}'",
        f"export PATH='{site.bin}':\"$PATH\"",
    ):
        typer.echo(line)
