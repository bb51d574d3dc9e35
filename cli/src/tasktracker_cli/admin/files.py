"""Writing files that others must never see half-written, or at all."""

import os
import secrets
from pathlib import Path


def write(path: Path, text: str, mode: int = 0o644) -> bool:
    """Replace `path` with `text` in one step; say whether that changed it."""
    if path.exists() and path.read_text() == text and path.stat().st_mode & 0o777 == mode:
        return False
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, mode)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    return True
