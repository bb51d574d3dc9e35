"""The wheels of a release: those of the lock, checked against their hashes, and our own."""

import hashlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasktracker_cluster.machine import shell, tools
from tasktracker_cluster.releases.sources import LOCK

BUILD_LOCK = "requirements/build.lock"  # the build systems of packages without a wheel

# Archives get this time for every file (1980, the earliest that a zip file knows), and these
# permissions: so the same sources give the same bytes.
REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800"}
UMASK = 0o022


def locked(checkout: Path, python: Path) -> Path:
    """Return a folder with a wheel of each package of the lock, for this Python.

    They are fetched once for each lock. Raises CommandError when one has another hash.
    """
    sha = hashlib.sha256(python.resolve().name.encode())
    for lock in (LOCK, BUILD_LOCK):
        sha.update((checkout / lock).read_bytes())
    folder = tools.cache_folder().with_name("wheels") / sha.hexdigest()[:12]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            draft = Path(temporary, "wheels")
            _fetch(checkout, python, draft)
            if not folder.exists():  # another build may have been quicker
                draft.replace(folder)
    return folder


def ours(checkout: Path, folder: Path) -> None:
    """Build the wheels of this checkout's services in `folder`. Raises CommandError."""
    packages = [project.parent for project in (checkout / "services").glob("*/pyproject.toml")]

    def build(package: Path) -> None:
        uv = Path(sys.executable).with_name("uv")
        shell.run([uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--python",
                   sys.executable, "--out-dir", folder, package],
                  env=REPRODUCIBLE, umask=UMASK)  # fmt: skip

    with ThreadPoolExecutor() as pool:
        list(pool.map(build, packages))


def _fetch(checkout: Path, python: Path, folder: Path) -> None:
    folder.mkdir()
    # No cache: pip would take a wheel from it that it built at another time, with that time in it.
    options = (
        *("--quiet", "--no-cache-dir", "--no-deps", "--require-hashes"),
        f"--wheel-dir={folder}",
        f"--build-constraint={checkout / BUILD_LOCK}",
        f"--requirement={checkout / LOCK}",
    )
    shell.run([sys.executable, "-m", "pip", "--python", python, "wheel", *options],
              env=REPRODUCIBLE, umask=UMASK)  # fmt: skip
