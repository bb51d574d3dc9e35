"""A release: one virtual environment with everything that the jobs run, named after what is in it.

The jobs' users cannot read a home folder, so neither the checkout nor its `.venv` will do.
"""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasktracker_cluster.errors import MissingProgramError
from tasktracker_cluster.machine import shell
from tasktracker_cluster.progress import Step
from tasktracker_cluster.site import Site

LOCK = "requirements/runtime.lock"
BUILD_LOCK = "requirements/build.lock"  # of what builds the packages that come as sources only
KEPT = 3  # releases on disk: the newest, and two to go back to


def install(site: Site, step: Step) -> str:
    """Build the release of the checkout's sources unless it is there; make it `current`.

    Returns its name: 12 hexadecimal digits.
    """
    name = digest(site.checkout)
    folder = site.releases / name
    if not folder.exists():
        step.note("building")
        _build(site, folder)
    for lock in site.releases.glob("*/.lock"):
        lock.chmod(0o644)  # uv leaves it open for everybody to write
    _make_current(site, name)
    _forget_old(site, name)
    step.detail = name
    return name


def digest(checkout: Path) -> str:
    """Identify the sources and the lock: the same content has the same name."""
    sha = hashlib.sha256()
    for path in _sources(checkout):
        sha.update(bytes(path.relative_to(checkout)) + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()[:12]


def current(site: Site) -> str:
    """The name of the release that was installed last."""
    return (site.releases / "current").readlink().name


def _sources(checkout: Path) -> Iterator[Path]:
    yield checkout / LOCK
    for package in sorted((checkout / "services").iterdir()):
        if (package / "pyproject.toml").exists():
            yield package / "pyproject.toml"
            for path in sorted((package / "src").rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield path


def _build(site: Site, folder: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    draft = folder.with_suffix(".building")
    shutil.rmtree(draft, ignore_errors=True)
    with tempfile.TemporaryDirectory() as wheels:
        packages = [p.parent for p in (site.checkout / "services").glob("*/pyproject.toml")]

        def wheel(package: Path) -> None:
            shell.run([uv, "build", "--quiet", "--wheel", "--no-build-isolation",
                       "--python", sys.executable, "--out-dir", wheels, package])  # fmt: skip

        def environment() -> None:
            shell.run([uv, "venv", "--quiet", "--relocatable", "--python", _python(), draft])
            shell.run([uv, "pip", "sync", "--quiet", "--compile-bytecode",
                       "--require-build-hashes", "--build-constraints", site.checkout / BUILD_LOCK,
                       "--require-hashes", "--python", draft, site.checkout / LOCK])  # fmt: skip

        with ThreadPoolExecutor() as pool:
            for job in [pool.submit(environment), *(pool.submit(wheel, p) for p in packages)]:
                job.result()
        built = sorted(Path(wheels).glob("*.whl"))
        shell.run([uv, "pip", "install", "--quiet", "--no-deps", "--compile-bytecode",
                   "--python", draft, *built])  # fmt: skip
    draft.replace(folder)


def _python() -> Path:
    """A Python that every user of the machine may run: below no private folder."""
    candidates = [shutil.which(f"python3.{minor}", path="/usr/local/bin:/usr/bin")
                  for minor in (14, 13, 12, 11)]  # fmt: skip
    for candidate in [*candidates, sys.executable]:
        if candidate and _reachable(Path(candidate).resolve()):
            return Path(candidate)
    raise MissingProgramError(
        "No Python 3.11 or newer that every user may run: the only one lies in a private folder.",
        "Install the system's own (Debian: apt-get install python3).",
    )


def _reachable(path: Path) -> bool:
    return all(os.stat(part).st_mode & 0o001 for part in (path, *path.parents))


def _make_current(site: Site, name: str) -> None:
    draft = site.releases / ".current"
    draft.unlink(missing_ok=True)
    draft.symlink_to(name)
    draft.replace(site.release)


def _forget_old(site: Site, name: str) -> None:
    (site.releases / name).touch()
    others = [p for p in site.releases.iterdir() if p.is_dir() and not p.is_symlink()]
    others.sort(key=lambda p: p.stat().st_mtime, reverse=True)
    for old in others[KEPT:]:
        shutil.rmtree(old)
