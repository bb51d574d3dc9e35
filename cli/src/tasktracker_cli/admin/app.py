"""`tasktracker-cli admin`: for whoever runs the cluster."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tasktracker_cli.admin import cluster, credentials, release, status
from tasktracker_cli.admin.dev import session
from tasktracker_cli.admin.errors import AdminError
from tasktracker_cli.admin.progress import Steps
from tasktracker_cli.admin.site import CONSUL_URL, NOMAD_URL, Site

app = typer.Typer(
    help="Run the cluster: bring it up, look at it, take it down.", no_args_is_help=True
)

URLS = (
    ("Gateway", "http://localhost:8000", "API documents at /docs"),
    ("Traefik", "http://localhost:8080", "routes and services"),
    ("Consul", "http://localhost:8500", "the mesh, its health and intentions"),
    ("Nomad", "http://localhost:4646", "jobs and allocations"),
)


@contextmanager
def _talking() -> Iterator[Steps]:
    """Steps on standard error; what explains a failure is printed before its sentence."""
    console = Console(stderr=True)
    try:
        yield Steps(console)
    except AdminError as error:
        for line in error.evidence:
            console.print(f"  {line}", markup=False, highlight=False, style="dim", soft_wrap=True)
        raise


@app.command()
def install(
    only_packages: Annotated[
        bool, typer.Option("--packages", help="Only the system's packages.")
    ] = False,
) -> None:
    """Install what `up` needs, and start nothing."""
    with _talking() as steps:
        if only_packages:
            cluster.install_packages(steps)
        else:
            cluster.install(Site.from_environment(), steps)


@app.command()
def up() -> None:
    """Install what is missing, start the agents and run every job."""
    with _talking() as steps:
        cluster.up(Site.from_environment(), steps)
        steps.console.print(f"\nTaskTracker is up after {steps.elapsed:.1f} s.\n", highlight=False)
    for name, url, about in URLS:
        typer.echo(f"{name:<8} {url:<22} {about}")
    typer.echo("\nNext: .venv/bin/tasktracker-cli register --username you --email you@example.com")


@app.command()
def down() -> None:
    """Stop everything; the data stay."""
    with _talking() as steps:
        cluster.down(Site.from_environment(), steps)
        steps.console.print("TaskTracker is down. Its data are kept: ./just up continues.")


@app.command()
def destroy(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop everything and delete all data: accounts, tasks, tokens."""
    site = Site.from_environment()
    if not yes:
        typer.confirm(
            f"Delete {site.home} with every account and task in it?", abort=True, err=True
        )
    with _talking() as steps:
        cluster.destroy(site, steps)
        steps.console.print("TaskTracker and its data are gone.")


@app.command("status")
def show_status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show agents, jobs, instances and health; exit 1 unless all is well."""
    with _talking():
        rows = status.rows(Site.from_environment())
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
    elif not rows:
        typer.echo("There is no cluster on this machine yet: ./just up starts one.", err=True)
    else:
        _print_table(rows)
    if not rows or not all(row.is_well for row in rows):
        raise typer.Exit(1)


@app.command()
def dev() -> None:
    """Run the services by hand, with hot reload and without root, until Ctrl-C."""
    site = session.site()
    with (
        _talking() as steps,
        session.running(site, steps) as process,
        suppress(KeyboardInterrupt),
    ):
        for name, url, about in URLS:
            if name != "Nomad":
                steps.console.print(f"{name:<8} {url:<22} {about}", highlight=False)
        steps.console.print(
            f"\nReloads on every save. Other logs: {site.logs}. Ctrl-C ends it.\n",
            highlight=False,
            soft_wrap=True,
        )
        session.serve(site, process, steps)


@app.command()
def env() -> None:
    """Print export lines for nomad and consul: eval "$(./just env)"."""
    site = Site.from_environment()
    token_file = credentials.path(site, "nomad_management")
    for line in (
        f"export NOMAD_ADDR={NOMAD_URL}",
        f"export NOMAD_TOKEN=\"$(cat '{token_file}')\"",
        f"export NOMAD_VAR_release={release.digest(site.checkout)}",
        f"export CONSUL_HTTP_ADDR={CONSUL_URL}",
        f"export CONSUL_HTTP_TOKEN_FILE='{credentials.path(site, 'consul_management')}'",
        f"export PATH='{site.bin}':\"$PATH\"",
    ):
        typer.echo(line)


def _print_table(rows: list[status.Row]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "NAME", "STATE", "INSTANCES", "HEALTH"):
        table.add_column(heading)
    for row in rows:
        color = "green" if row.is_well else "red"
        table.add_row(
            row.kind, row.name, row.state, row.instances, f"[{color}]{row.health}[/{color}]"
        )
    Console(file=sys.stdout).print(table)
