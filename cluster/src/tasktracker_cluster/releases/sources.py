"""The sources of a release, and its name, which is their digest."""

from collections.abc import Iterator
from pathlib import Path

from tasktracker_cluster.machine import files

LOCK = "requirements/runtime.lock"


def digest(checkout: Path) -> str:
    """Return the name of a release: the digest of its sources and of its lock."""
    return files.digest(checkout, _sources(checkout))


def _sources(checkout: Path) -> Iterator[Path]:
    yield checkout / LOCK
    for package in sorted((checkout / "services").iterdir()):
        if (package / "pyproject.toml").exists():
            yield package / "pyproject.toml"
            yield from files.sources(package / "src")
