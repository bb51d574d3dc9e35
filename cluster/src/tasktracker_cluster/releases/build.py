"""Building a release: a virtual environment with the services' wheels and their dependencies."""

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasktracker_cluster.errors import MissingProgramError
from tasktracker_cluster.machine import shell
from tasktracker_cluster.releases import wheels
from tasktracker_cluster.releases.sources import LOCK
from tasktracker_cluster.site import Site


def environment(site: Site, folder: Path) -> None:
    """Build the release of the checkout's sources in `folder`, which appears when it is complete.

    Raises CommandError when a build fails, MissingProgramError when there is no Python for it.
    """
    uv = Path(sys.executable).with_name("uv")
    draft = folder.with_suffix(".building")
    shutil.rmtree(draft, ignore_errors=True)
    with tempfile.TemporaryDirectory() as own:

        def dependencies() -> None:
            shell.run([uv, "venv", "--quiet", "--relocatable", "--python", system_python(), draft])
            shell.run([uv, "pip", "sync", "--quiet", "--compile-bytecode",
                       "--require-build-hashes",
                       "--build-constraints", site.checkout / wheels.BUILD_LOCK,
                       "--require-hashes", "--python", draft, site.checkout / LOCK])  # fmt: skip

        with ThreadPoolExecutor() as pool:
            for job in (
                pool.submit(dependencies),
                pool.submit(wheels.ours, site.checkout, Path(own)),
            ):
                job.result()
        built = sorted(Path(own).glob("*.whl"))
        shell.run([uv, "pip", "install", "--quiet", "--no-deps", "--compile-bytecode",
                   "--python", draft, *built])  # fmt: skip
    draft.replace(folder)


def system_python() -> Path:
    """Return a Python that every user of the machine may run: no folder above it is private."""
    candidates = [shutil.which(f"python3.{minor}", path="/usr/local/bin:/usr/bin")
                  for minor in (14, 13, 12, 11)]  # fmt: skip
    for candidate in [*candidates, sys.executable]:
        if candidate and _reachable(Path(candidate).resolve()):
            return Path(candidate)
    raise MissingProgramError(
        "The only Python 3.11 or newer is in a private folder, where the jobs cannot run it.",
        "Install the system's own Python (Debian: apt-get install python3).",
    )


def _reachable(path: Path) -> bool:
    return all(os.stat(part).st_mode & 0o001 for part in (path, *path.parents))
