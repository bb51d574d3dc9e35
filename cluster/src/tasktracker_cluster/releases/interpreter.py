"""The Python that releases run with."""

import os
import shutil
import sys
from pathlib import Path

from tasktracker_cluster.errors import MissingProgramError


def system_python() -> Path:
    """Return a Python that every user of the machine may run: no folder above it is private.

    Raises MissingProgramError.
    """
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
