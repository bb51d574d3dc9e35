"""A terminal for a program, used by all tests.

Not pexpect: it forks in the test's process, where a fake gateway's threads run, and its terminal
always controls the session of the program. The form of this one is pexpect's.
"""

import codecs
import fcntl
import os
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

LIMIT = 120  # seconds, for a machine that is busy with other tests


class Terminal:
    """A command on a terminal: it types text and reads the output.

    With `controls` the terminal controls the session: Ctrl-C and a hang-up become signals.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        env: Mapping[str, str],
        *,
        columns: int = 80,
        lines: int = 24,
        folder: Path | None = None,
        controls: bool = True,
    ) -> None:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process = subprocess.Popen(
            ["setsid", "--wait", *(["--ctty"] if controls else []), *command],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=env,
        )
        os.close(theirs)
        self.shown = ""
        self._read = 0  # the length of the part of `shown` that was returned
        # A chunk may end inside a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def type(self, text: str) -> None:
        """Type the text."""
        os.write(self._ours, text.encode())

    def interrupt(self) -> int:
        """Press Ctrl-C until the program has ended; return its exit code."""
        self.type("\x03")
        while True:
            # It may have come a moment before Python waits for what it interrupts.
            if not select.select([self._ours], [], [], 2)[0]:
                self.type("\x03")
            elif not self._take():
                return self.end()

    def look(self, seconds: float) -> str:
        """Wait at most `seconds` for more output, and return the whole output."""
        if select.select([self._ours], [], [], seconds)[0]:
            self._take()
        return self.shown

    def wait_for(self, pattern: str) -> str:
        """Wait until the output matches the pattern. Return the output since the last call."""
        deadline = time.monotonic() + LIMIT
        while not re.search(pattern, self.shown[self._read :]):
            left = max(deadline - time.monotonic(), 0)
            if not (select.select([self._ours], [], [], left)[0] and self._take()):
                raise AssertionError(f"{pattern!r} was never shown: {self.shown!r}")
        new, self._read = self.shown[self._read :], len(self.shown)
        return new

    def end(self) -> int:
        """Read until the program has ended, and return its exit code."""
        while self._take():
            pass
        code = self.process.wait(LIMIT)
        os.close(self._ours)
        return code

    def hang_up(self) -> int:
        """Close the terminal, and return the program's exit code."""
        os.close(self._ours)
        return self.process.wait(LIMIT)

    def kill(self) -> None:
        """Kill the program, and close the terminal."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _take(self) -> bool:
        """Read the available output. Return whether there may be more."""
        try:
            chunk = os.read(self._ours, 65536)
        except OSError:  # EIO: the last process has closed the terminal
            return False
        self.shown += self._decoder.decode(chunk)
        return bool(chunk)
