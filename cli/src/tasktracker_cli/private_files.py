"""Files of this program that only their owner may read."""

from __future__ import annotations

import os
from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may enter, and close it if it is open."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_private(path: Path, content: str) -> None:
    """Replace a file in one step: whoever reads it sees the old content or the new."""
    import tempfile  # reading, which every command does, needs none of it

    # mkstemp makes the file 0600 from the start: there is no moment when others can read it.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
