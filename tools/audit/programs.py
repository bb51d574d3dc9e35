"""The programs that look: built from pinned Go modules, or installed from a lock, once."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
LOCK = HERE.parents[1] / "requirements" / "audit.lock"
ADVISORIES = "golang.org/x/vulndb"  # Go's database of known holes, itself a Go module


class MissingError(Exception):
    """A program, or what it needs to know, cannot be had on this machine."""


def run(command: Sequence[object], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever it exits with."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)


def go_program(name: str) -> Path:
    """gitleaks or govulncheck, as tools/audit/go.mod pins them."""
    program = _cache(HERE / "go.sum") / name
    if not program.exists():
        _must(run([_go(), "build", "-mod=readonly", "-o", f"{program.parent}/", "tool"], HERE))
    return program


def python_program(name: str) -> Path:
    """bandit or pip-audit, as requirements/audit.lock pins them."""
    program = _cache(LOCK) / "bin" / name
    if not program.exists():
        uv, folder = Path(sys.executable).with_name("uv"), program.parents[1]
        _must(run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder]))
        _must(run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", folder, LOCK]))
    return program


def go_advisories() -> Path:
    """The newest known holes of Go modules, one file each. Not pinned: news is what is wanted."""
    newest = f"{ADVISORIES}@latest"
    fetched = run([_go(), "mod", "download", newest], HERE)
    found = run([_go(), "list", "-m", "-f", "{{.Dir}}", newest], HERE)
    if fetched.returncode or found.returncode or not found.stdout.strip():
        raise MissingError(f"no {ADVISORIES} from the Go module proxy: {_last(fetched)}")
    return Path(found.stdout.strip()) / "data" / "osv"


def built() -> list[Path]:
    """Nomad and Consul, where `./just up` has built them."""
    return sorted(p for p in tools_folder().glob("*-*.*.*") if p.suffix != ".building")


def tools_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "tasktracker" / "tools"


def _cache(pins: Path) -> Path:
    """A folder for what these pins lead to."""
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    folder = tools_folder().with_name("audit") / f"{pins.stem}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _go() -> str:
    own = tools_folder() / "go" / "bin" / "go"  # where `./just up` puts one, if it had to
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
