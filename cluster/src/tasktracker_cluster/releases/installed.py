"""The releases on this machine. Each is a virtual environment, named after its content.

The jobs' users cannot read a home folder, so the jobs cannot use the checkout or its `.venv`.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tasktracker_cluster.machine import shell
from tasktracker_cluster.progress import Step
from tasktracker_cluster.releases import artifact
from tasktracker_cluster.releases.sources import digest
from tasktracker_cluster.site import Site

INSTALLER = "nomad/jobs/release/install.sh"


@dataclass(frozen=True)
class Release:
    """A release: its name, 12 hexadecimal digits, and the SHA-256 of each of its artifacts."""

    name: str
    artifacts: tuple[str, ...]


def prepare(site: Site, step: Step) -> Release:
    """Build the artifacts of the checkout's release, unless they are there.

    The first release of a machine is installed, too: the agents' supervisor runs from it. Later
    ones are installed by the job `release`. Raises what artifact.collect does.
    """
    release = newest(site)
    if not all(_file(site, each).exists() for each in release.artifacts) or not release.artifacts:
        step.note("building")
        release = Release(release.name, _build(site))
    if not (site.release / "complete").exists():
        step.note("installing")
        _install(site, release)
    step.detail = release.name
    return release


def newest(site: Site) -> Release:
    """Return the release of the checkout; without artifacts, unless it is installed here."""
    name = digest(site.checkout)
    return Release(name, _artifacts(site, name))


def is_installed(site: Site, name: str) -> bool:
    """Return whether this machine has the whole release."""
    return bool(_artifacts(site, name))


def current(site: Site) -> str:
    """Return the name of the release that was installed last."""
    return (site.releases / "current").readlink().name


def _artifacts(site: Site, name: str) -> tuple[str, ...]:
    complete = site.releases / name / "complete"
    return tuple(complete.read_text().split()) if complete.exists() else ()


def _file(site: Site, sha256: str) -> Path:
    return site.artifacts / f"{sha256}.pex"


def _build(site: Site) -> tuple[str, ...]:
    with TemporaryDirectory() as own, TemporaryDirectory(dir=site.artifacts) as draft:
        wheels = artifact.collect(site.checkout, Path(own))

        def make(plan: artifact.Plan) -> str:
            made = artifact.make(plan, wheels, Path(draft))
            made.chmod(0o644)
            sha256 = artifact.checksum(made)
            made.replace(_file(site, sha256))
            return sha256

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return tuple(pool.map(make, artifact.plans(site.checkout)))


def _install(site: Site, release: Release) -> None:
    with TemporaryDirectory(dir=site.artifacts) as folder:
        for each in release.artifacts:
            os.link(_file(site, each), Path(folder, f"{each}.pex"))
        shell.run(command(site, release.name, release.artifacts), cwd=Path(folder))


def command(site: Site, name: str, artifacts: Sequence[str]) -> list[str | Path]:
    """Return the command that installs a release from artifacts in the working folder."""
    return ["/bin/sh", site.checkout / INSTALLER, site.home, name, *artifacts]
