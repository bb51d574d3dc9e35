"""The sources of a release, and its name, which is their digest."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

LOCK = "requirements/runtime.lock"


def digest(checkout: Path) -> str:
    """Return the name of a release: 12 hexadecimal digits of SHA-256 over sources and lock."""
    sha = hashlib.sha256()
    for path in _sources(checkout):
        sha.update(bytes(path.relative_to(checkout)) + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()[:12]


def _sources(checkout: Path) -> Iterator[Path]:
    yield checkout / LOCK
    for package in sorted((checkout / "services").iterdir()):
        if (package / "pyproject.toml").exists():
            yield package / "pyproject.toml"
            for path in sorted((package / "src").rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield path
