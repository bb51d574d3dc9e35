"""The releases on this machine. Each is a virtual environment, named after its content.

The jobs' users cannot read a home folder, so the jobs cannot use the checkout or its `.venv`.
"""

import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tasktracker_cluster.machine import files, shell, tools
from tasktracker_cluster.progress import Step
from tasktracker_cluster.releases import artifact, interpreter
from tasktracker_cluster.releases.sources import digest
from tasktracker_cluster.site import Site

CACHED_SECONDS = 7 * 24 * 3600  # since the last use
INSTALLER = "nomad/jobs/release/install.sh"
OFFERED = "offered"  # below artifacts/: the checksums of what is of no release


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
    if not all(file(site, each).exists() for each in release.artifacts) or not release.artifacts:
        step.note("building")
        release = Release(release.name, _stored(site, built(site.checkout, release.name)))
    if not has_one(site):
        step.note("installing")
        install(site, release)
    step.detail = release.name
    return release


def newest(site: Site) -> Release:
    """Return the release of the checkout; without artifacts, unless it is installed here."""
    name = digest(site.checkout)
    return Release(name, _artifacts(site, name))


def is_installed(site: Site, name: str) -> bool:
    """Return whether this machine has the whole release."""
    return bool(_artifacts(site, name))


def has_one(site: Site) -> bool:
    """Return whether a whole release is the current one."""
    return (site.release / "complete").exists()


def current(site: Site) -> str:
    """Return the name of the release that was installed last."""
    return (site.releases / "current").readlink().name


def present(site: Site) -> Release:
    """Return the release that was installed last."""
    name = current(site)
    return Release(name, _artifacts(site, name))


def _artifacts(site: Site, name: str) -> tuple[str, ...]:
    complete = site.releases / name / "complete"
    return tuple(complete.read_text().split()) if complete.exists() else ()


def file(site: Site, sha256: str) -> Path:
    """Return the file of an artifact, which may not be there."""
    return site.artifacts / f"{sha256}.pex"


def built(checkout: Path, name: str) -> list[Path]:
    """Return the artifacts of the checkout's release, built once for all state folders of a user.

    Raises what artifact.collect does.
    """
    version = interpreter.system_python().resolve().name
    folder = tools.cache_folder().with_name("artifacts") / f"{name}-{version}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as temporary:
            draft = Path(temporary, "artifacts")
            _build(checkout, draft)
            if not folder.exists():  # another build may have been quicker
                draft.replace(folder)
    folder.touch()
    for other in folder.parent.iterdir():
        if other.stat().st_mtime < time.time() - CACHED_SECONDS:
            shutil.rmtree(other)
    return [folder / f"{plan.name}.pex" for plan in artifact.plans(checkout)]


def _build(checkout: Path, folder: Path) -> None:
    folder.mkdir()
    with TemporaryDirectory() as own, ThreadPoolExecutor(os.cpu_count()) as pool:
        wheels = artifact.collect(checkout, Path(own))
        for made in pool.map(
            lambda plan: artifact.make(plan, wheels, folder), artifact.plans(checkout)
        ):
            made.chmod(0o644)


def _stored(site: Site, files: Sequence[Path]) -> tuple[str, ...]:
    checksums = [artifact.checksum(made) for made in files]
    for made, sha256 in zip(files, checksums, strict=True):
        tools.place(made, file(site, sha256))
    return tuple(checksums)


def offer(site: Site, program: Path) -> str:
    """Let this machine's store offer a program that is of no release, and return its SHA-256.

    The installer deletes it with its next release when another one was offered meanwhile.
    """
    sha256 = artifact.checksum(program)
    files.write(site.artifacts / OFFERED, f"{sha256}\n")
    tools.place(program, file(site, sha256))
    return sha256


def install(site: Site, release: Release) -> None:
    """Install a release whose artifacts are here, and make it the current one."""
    if has_one(site) and current(site) == release.name:
        return
    with TemporaryDirectory(dir=site.artifacts) as folder:
        for each in release.artifacts:
            os.link(file(site, each), Path(folder, f"{each}.pex"))
        shell.run(command(site, release.name, release.artifacts), cwd=Path(folder))


def command(site: Site, name: str, artifacts: Sequence[str]) -> list[str | Path]:
    """Return the command that installs a release from artifacts in the working folder."""
    return ["/bin/sh", site.checkout / INSTALLER, site.home, name, *artifacts]
