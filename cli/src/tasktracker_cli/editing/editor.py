"""The user's own editor, on a file that is kept when the editor or the program fails."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tasktracker_cli.errors import CliError, UsageError
from tasktracker_cli.terminal.sink import is_terminal

FALLBACKS = ("sensible-editor", "nano", "vim", "vi")


def command(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the command that opens a file: VISUAL, EDITOR, or an editor that is there.

    Raises UsageError if there is none. The user's own may be a script. The others need a terminal.
    """
    for name in ("VISUAL", "EDITOR"):
        if words := shlex.split(environ.get(name, "")):
            return words
    found = next((editor for editor in FALLBACKS if shutil.which(editor)), None)
    if found is None:
        raise UsageError("There is no editor.", "Name yours in EDITOR, as in: EDITOR=nano")
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        raise UsageError(
            "There is no terminal for an editor.",
            "Use tasktracker-cli task update, or name a program that needs none in EDITOR.",
        )
    return [found]


class DraftFile:
    """A text in a private file, which stays until it is discarded: no typed text is lost."""

    def __init__(self, folder: Path, name: str, text: str) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, path = tempfile.mkstemp(dir=folder, prefix=f"{name}-", suffix=".md")
            os.close(descriptor)
        except OSError as error:
            raise CliError(f"A draft cannot be written to {folder}: {error.strerror}.") from None
        self.path = Path(path)
        self.write(text)

    def write(self, text: str) -> None:
        self.path.write_text(text, "utf-8", "surrogateescape")

    def read(self) -> str:
        return self.path.read_text("utf-8", "surrogateescape")

    def edit(self) -> str:
        """Let the user edit the text, and return it. Raises CliError if the editor fails."""
        words = command()
        try:
            done = subprocess.run([*words, str(self.path)], check=False)
        except OSError as error:
            raise UsageError(
                f"The editor {words[0]} cannot be started: {error.strerror}.",
                "Name another in EDITOR.",
            ) from None
        if done.returncode != 0:
            raise CliError(f"The editor {words[0]} ended with code {done.returncode}.")
        return self.read()

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
