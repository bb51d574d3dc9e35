"""Invitations: a file for each, named after the hash of its secret, with the time of its end.

The secret has 256 random bits, so that a plain hash of it is enough.
"""

import hashlib
import secrets
import time
from pathlib import Path

from tasktracker_cluster.errors import RefusedJoinError
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

LIFETIME_SECONDS = 3600
KEPT_SECONDS = 86400  # so long an ended one is still told from an unknown one

_HINT = "Make a new join line on the first machine: ./just invite"


def make(site: Site) -> str:
    """Make an invitation for an hour, and return its secret, which is not stored."""
    folder = _folder(site)
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.iterdir():
        if _end(old) < time.time() - KEPT_SECONDS:
            old.unlink(missing_ok=True)
    secret = secrets.token_urlsafe(32)
    files.write(_file(site, secret), f"{time.time() + LIFETIME_SECONDS}\n", mode=0o600)
    return secret


def check(site: Site, secret: str) -> None:
    """Raise RefusedJoinError unless the secret's invitation is open."""
    file = _file(site, secret)
    if _used(file).exists():
        raise RefusedJoinError("This join line was used already.", _HINT)
    if not file.exists():
        raise RefusedJoinError("This join line is not one of this cluster.", _HINT)
    if _end(file) < time.time():
        raise RefusedJoinError("This join line has expired: it was good for an hour.", _HINT)


def use(site: Site, secret: str) -> None:
    """End the invitation. Raises RefusedJoinError when it is not open, or another was faster."""
    check(site, secret)
    file = _file(site, secret)
    try:
        file.rename(_used(file))
    except FileNotFoundError as error:
        raise RefusedJoinError("This join line was used already.", _HINT) from error


def _folder(site: Site) -> Path:
    return site.home / "invitations"


def _file(site: Site, secret: str) -> Path:
    return _folder(site) / hashlib.sha256(secret.encode()).hexdigest()


def _used(file: Path) -> Path:
    return file.with_suffix(".used")


def _end(file: Path) -> float:
    return float(file.read_text())
