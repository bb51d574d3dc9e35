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

from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.machine import files, shell, tools, waiting_lock
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
    """Return the name of the release that was installed last.

    Raises NotReadyError where none was, as before the end of the first `up` or `join`.
    """
    try:
        return (site.releases / "current").readlink().name
    except FileNotFoundError as error:
        raise NotReadyError(
            "No release is installed on this machine yet.", "Install one: ./just up"
        ) from error


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

    Commands that need them at the same time wait for the first one. Raises what artifact.collect
    does.
    """
    version = interpreter.system_python().resolve().name
    folder = tools.cache_folder().with_name("artifacts") / f"{name}-{version}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with waiting_lock.held(folder.parent.with_name(".building")):
        if not folder.exists():
            with TemporaryDirectory(dir=folder.parent) as temporary:
                draft = Path(temporary, "artifacts")
                _build(checkout, draft)
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


def offer(site: Site, programs: Sequence[Path]) -> list[str]:
    """Let this machine's store offer programs that are of no release, and return their SHA-256.

    The installer deletes one with its next release when other ones were offered meanwhile.
    """
    checksums = [artifact.checksum(program) for program in programs]
    files.write(site.artifacts / OFFERED, "".join(f"{sha256}\n" for sha256 in checksums))
    for program, sha256 in zip(programs, checksums, strict=True):
        tools.place(program, file(site, sha256))
    return checksums


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
