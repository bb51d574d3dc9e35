"""A service's artifact: one file with the service and every package that it needs.

It is a pex: a zip file of wheels, which installs itself as a virtual environment. It needs the
system's Python of the version that it was built for, and nothing else. The same sources give the
same bytes, in every folder and at any time.
"""

import hashlib
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasktracker_cluster.machine import shell
from tasktracker_cluster.releases import build, wheels
from tasktracker_cluster.topology import Service

# pex would read the settings in a home folder, too.
SETTINGS = {**wheels.REPRODUCIBLE, "PEX_IGNORE_RCFILES": "true"}


@dataclass(frozen=True)
class Wheels:
    """Folders with all wheels that artifacts consist of, and the Python that they are for."""

    folders: Sequence[Path]
    python: Path


def collect(checkout: Path, own: Path) -> Wheels:
    """Fetch the wheels of the lock, and build our own in the folder `own`.

    Raises what build.environment does.
    """
    python = build.system_python()
    wheels.ours(checkout, own)
    return Wheels((wheels.locked(checkout, python), own), python)


def make(checkout: Path, service: Service, available: Wheels, folder: Path) -> Path:
    """Build the artifact of a service in `folder`, and return it. Raises CommandError."""
    artifact = folder / f"{service.name}.pex"
    pex = Path(sys.executable).with_name("pex")
    # It takes the wheels that the service needs and no others, and checks that none is missing.
    shell.run([pex, _distribution(checkout, service), f"--entry-point={service.module}",
               *(f"--pre-resolved-dists={each}" for each in available.folders),
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


def project_file(checkout: Path, service: Service) -> Path:
    """Return the file that declares the service's package."""
    return checkout / "services" / service.folder / "pyproject.toml"


def _distribution(checkout: Path, service: Service) -> str:
    project = project_file(checkout, service)
    return str(tomllib.loads(project.read_text())["project"]["name"])
