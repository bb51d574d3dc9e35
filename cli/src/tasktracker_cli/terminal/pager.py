"""A pager for what is longer than the screen, as git has it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress

from tasktracker_cli.errors import OutputClosedError

DEFAULT = "less"
LESS = "FRX"  # quit at once if it fits, keep colours, leave the text on the screen


def command(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the pager's command: TASKTRACKER_PAGER, PAGER or less; empty for none."""
    words = shlex.split(environ.get("TASKTRACKER_PAGER", environ.get("PAGER", DEFAULT)))
    usable = words and words != ["cat"] and shutil.which(words[0])
    return words if usable else []


class Paged:
    """Keeps text back until it is longer than the screen; from then on a pager shows it."""

    def __init__(self, words: list[str], screen: Callable[[str], None], lines: int) -> None:
        self._words = words
        self._screen = screen
        self._lines = lines
        self._kept = ""
        self._pager: subprocess.Popen[str] | None = None

    def write(self, text: str) -> None:
        """Take text; raise OutputClosedError when the user has left the pager."""
        if self._pager is None:
            self._kept += text
            if self._kept.count("\n") < self._lines:
                return
            text, self._pager = self._kept, self._started()
        try:
            _send(self._pager, text)
        except BrokenPipeError:
            raise OutputClosedError from None

    def close(self) -> None:
        """Print what was kept back, or wait until the user leaves the pager."""
        if self._pager is None:
            self._screen(self._kept)
            return
        while self._pager.poll() is None:
            # Ctrl-C is for the pager, which does not end by it.
            with suppress(KeyboardInterrupt):
                self._pager.communicate()

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._words,
            stdin=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            env={"LESS": LESS, **os.environ},
        )


def _send(pager: subprocess.Popen[str], text: str) -> None:
    if pager.stdin is not None:
        pager.stdin.write(text)
        pager.stdin.flush()
