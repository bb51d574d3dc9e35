"""Atomic writes of files, with the right mode and owner from the start, and digests of sources."""

import hashlib
import os
import pwd
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path


def write(path: Path, text: str, mode: int = 0o644, owner: str | None = None) -> bool:
    """Replace `path` with `text` atomically. Return whether content, mode or owner changed.

    `owner` is the name of the system user that gets the file. This user must not be able to write
    in the folder.
    """
    user = pwd.getpwnam(owner) if owner else None
    uid = user.pw_uid if user else os.geteuid()
    if path.exists() and path.read_text() == text:
        known = path.stat()
        if (known.st_mode & 0o777, known.st_uid) == (mode, uid):
            return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, mode)
        if user:
            os.fchown(descriptor, user.pw_uid, user.pw_gid)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    return True


def sources(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder in order, without Python's bytecode."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def digest(checkout: Path, files: Iterable[Path]) -> str:
    """Return 12 hexadecimal digits of SHA-256 over files of a checkout: paths and contents."""
    sha = hashlib.sha256()
    for path in files:
        sha.update(bytes(path.relative_to(checkout)) + b"\0" + path.read_bytes() + b"\0")
    return sha.hexdigest()[:12]
