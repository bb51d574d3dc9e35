"""Writes the lines of the log to stdout: those of one turn of the event loop together.

A write to a pipe costs a call of the kernel, and wakes up the program that reads it
(docs/decisions/0081-joined-lines.md).
"""

import asyncio
import atexit
import sys
from threading import Lock


class LogLines:
    """A logger for structlog, and a stream for the standard library.

    A line of the levels debug and info waits until the event loop has done what was ready. Any
    other text is written at once, after what waits: a warning may be a process's last words. So is
    a line from a thread without an event loop. Thread-safe.
    """

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._lock = Lock()
        atexit.register(self.flush)

    def info(self, line: str) -> None:
        """Write the line at the end of this turn."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.write(f"{line}\n")
            return
        with self._lock:
            if not self._waiting:
                loop.call_soon(self.flush)
            self._waiting.append(f"{line}\n")

    debug = info

    def warning(self, line: str) -> None:
        """Write the line now."""
        self.write(f"{line}\n")

    error = critical = warning

    def write(self, text: str) -> None:
        """Write what waits, and then the text."""
        with self._lock:
            self._waiting.append(text)
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            if self._waiting:
                text = "".join(self._waiting)
                self._waiting.clear()
                sys.stdout.write(text)
                sys.stdout.flush()
