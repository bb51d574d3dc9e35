"""Files that are replaced in one step, and by default are readable by their owner only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


def make_private(folder: Path) -> None:
    """Make a folder that only its owner may enter, and close it if it is open."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_private(path: Path, content: str) -> None:
    """Replace a file in one step by one that only its owner may read."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, mode: int = 0o600) -> Iterator[TextIO]:
    """Open a file that takes the place of `path` at the end, and leaves it alone after an error.

    A reader sees the old content or the new. The text is UTF-8, and its line ends are kept.
    """
    import tempfile  # not needed for reading, which every command does

    # mkstemp makes the file 0600 from the start: there is no moment when others can read it.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            os.fchmod(descriptor, mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
