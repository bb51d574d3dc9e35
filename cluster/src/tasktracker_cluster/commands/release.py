"""`release`: the artifacts of a release."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from tasktracker_cluster.commands.console import reporting
from tasktracker_cluster.releases import artifact, bill
from tasktracker_cluster.site import Site

app = typer.Typer()


@app.command()
def release(
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where they are written.")] = Path(
        "dist"
    ),
) -> None:
    """Build each service's artifact, with its checksum and its bill of materials.

    An artifact is one file with the service and all its packages. The programs that are not ours
    (Envoy, Traefik and others) have one together. The same sources give the same bytes. The
    checksums are printed as by sha256sum.

    \b
    Example: tasktracker-cli admin release --to /srv/releases
    """
    checkout = Site.from_environment().checkout
    to.mkdir(parents=True, exist_ok=True)
    with reporting() as steps, TemporaryDirectory() as own:
        with steps.step("wheels"):
            wheels = artifact.collect(checkout, Path(own))
        for plan in artifact.plans(checkout):
            with steps.step(plan.name) as step:
                built = artifact.make(plan, wheels, to)
                bill.write(plan, built, wheels.python)
                step.detail = f"{built}, {built.stat().st_size / 2**20:.0f} MiB"
            typer.echo(artifact.write_checksum(built))
