"""Running other programs."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasktracker_cluster.errors import CommandError, MissingProgramError

EVIDENCE_LINES = 20
SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")  # Debian's `su` without `-` leaves them out of PATH


def path() -> str:
    """Return the folders in which programs are looked for: those of PATH, and the system's."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS))


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    umask: int = -1,
    stdin: str = "",
) -> str:
    """Run a program to its end and return its standard output.

    `env` is added to this process's environment; `umask` replaces its own. `stdin` is what the
    program reads: nobody else sees it. Raises CommandError with the program's last lines when its
    exit code is not 0, MissingProgramError when the program does not exist.
    """
    try:
        result = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, "PATH": path(), **(env or {})},
            input=stdin or None,
            stdin=None if stdin else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            umask=umask,
            check=False,
        )
    except FileNotFoundError as error:
        raise MissingProgramError(
            f"{command[0]} is not installed.", "Install it, or add its folder to PATH."
        ) from error
    if result.returncode != 0:
        printed = (result.stdout + result.stderr).strip().splitlines()
        raise CommandError(
            f"`{Path(command[0]).name} {' '.join(map(str, command[1:3]))}` failed "
            f"with exit code {result.returncode}.",
            evidence=printed[-EVIDENCE_LINES:],
        )
    return result.stdout


def tail(path: Path, lines: int = EVIDENCE_LINES) -> list[str]:
    """Return the last lines of a log file, none when the file does not exist."""
    try:
        return path.read_text(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
