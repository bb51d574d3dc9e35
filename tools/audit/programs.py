"""The programs of the audit, built from pinned Go modules or installed from a lock, once."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE.parents[1] / "requirements" / "audit.lock"
ADVISORIES = "golang.org/x/vulndb"  # Go's database of vulnerabilities, itself a Go module


class MissingError(Exception):
    """A program, or the data that it needs, is not available on this machine."""


def run(command: Sequence[object], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with any exit code."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)


def go_program(name: str) -> Path:
    """Return the program gitleaks or govulncheck in the version of tools/audit/go.mod.

    Builds it on first use. Raises MissingError when that fails.
    """
    program = _cache(HERE / "go.sum") / name
    if not program.exists():
        _must(run([_go(), "build", "-mod=readonly", "-o", f"{program.parent}/", "tool"], HERE))
    return program


def python_program(name: str) -> Path:
    """Return the program bandit or pip-audit in the version of requirements/audit.lock.

    Installs it on first use. Raises MissingError when that fails.
    """
    program = _cache(LOCK) / "bin" / name
    if not program.exists():
        uv, folder = Path(sys.executable).with_name("uv"), program.parents[1]
        _must(run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder]))
        _must(run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", folder, LOCK]))
    return program


def go_advisories() -> Path:
    """Return the folder of the newest advisories on Go modules, one file each.

    They are not pinned, because only the newest are useful. Raises MissingError without them.
    """
    newest = f"{ADVISORIES}@latest"
    fetched = run([_go(), "mod", "download", newest], HERE)
    found = run([_go(), "list", "-m", "-f", "{{.Dir}}", newest], HERE)
    if fetched.returncode or found.returncode or not found.stdout.strip():
        raise MissingError(f"no {ADVISORIES} from the Go module proxy: {_last(fetched)}")
    return Path(found.stdout.strip()) / "data" / "osv"


def built() -> list[Path]:
    """Return the programs Nomad and Consul that `./just up` has built."""
    return sorted(p for p in tools_folder().glob("*-*.*.*") if p.suffix != ".building")


def tools_folder() -> Path:
    """Return the folder of built tools, the same as in tasktracker_cluster.machine.tools."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tasktracker" / "tools"


def _cache(pins: Path) -> Path:
    """Return the folder for the programs of these pins: another content, another folder."""
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    folder = tools_folder().with_name("audit") / f"{pins.stem}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _go() -> str:
    own = tools_folder() / "go" / "bin" / "go"  # `./just up` installs one if it is missing
    found = shutil.which("go") or (str(own) if own.exists() else None)
    if found is None:
        raise MissingError("no Go compiler: ./just up fetches one, or install one")
    return found


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise MissingError(_last(done))


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"
