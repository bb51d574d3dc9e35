"""The program that asks PostgreSQL for metrics: Debian's, out of its package.

The package itself is not installed: that would start a service of the machine, and make a user.
"""

import re
import shutil
import tempfile
from pathlib import Path

from tasktracker_cluster.errors import MissingProgramError
from tasktracker_cluster.machine import shell, tools, waiting_lock
from tasktracker_cluster.progress import Step
from tasktracker_cluster.site import Site

NAME = "postgres-exporter"
PACKAGE = "prometheus-postgres-exporter"
PROGRAM = f"usr/bin/{PACKAGE}"  # in the package


def install(site: Site, step: Step) -> None:
    """Put the program into the site's `bin`, in the version that apt would install now.

    The package lists of this machine name that version, so each update of them can bring a new one.
    Raises MissingProgramError without apt or when apt does not know the package, CommandError when
    it fetches nothing.
    """
    if shutil.which("apt-get") is None:
        raise MissingProgramError(
            f"This machine has no apt-get to fetch {PACKAGE}.",
            "Use Debian for the first machine of a cluster that is observed.",
        )
    tools.cache_folder().mkdir(parents=True, exist_ok=True)
    with waiting_lock.held(tools.cache_folder() / ".fetching"):  # apt refuses a second update
        version = _known_version(step)
        program = tools.cache_folder() / f"{NAME}-{version}"
        if not program.exists():
            step.note(f"fetching {PACKAGE} {version}")
            _fetch(version, program)
    tools.place(program, site.bin / NAME)
    step.detail = f"{NAME} {version}"


def _known_version(step: Step) -> str:
    version = _candidate()
    if not version:  # a new machine has no package lists
        step.note("fetching the package lists")
        shell.run(["apt-get", "update", "-q"])
        version = _candidate()
    if not version:
        raise MissingProgramError(
            f"apt knows no package {PACKAGE}.", "Enable Debian's `main` in the sources of apt."
        )
    return version


def _candidate() -> str:
    """Return the version that apt would install, empty when it knows none."""
    found = re.search(r"Candidate: (\d\S*)", shell.run(["apt-cache", "policy", PACKAGE]))
    return found[1] if found else ""


def _fetch(version: str, program: Path) -> None:
    with tempfile.TemporaryDirectory(dir=program.parent) as draft:
        # apt checks what it fetches by the signed lists.
        shell.run(["apt-get", "download", "-q", f"{PACKAGE}={version}"], cwd=Path(draft))
        (package,) = Path(draft).glob("*.deb")
        shell.run(["dpkg-deb", "--extract", package, draft])
        (Path(draft) / PROGRAM).rename(program)
