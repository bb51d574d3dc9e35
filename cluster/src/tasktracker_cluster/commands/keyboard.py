"""Single keys from a terminal, while something else is on the screen."""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Pressed = Callable[[float], str]


@contextmanager
def keys() -> Iterator[Pressed]:
    """Give a function that waits for a key, and returns it or an empty text.

    Its argument is the time limit in seconds. It raises EOFError when the terminal is closed. Keys
    are not echoed and need no Enter. At the end the terminal's settings are restored.
    """
    if not sys.stdin.isatty():
        yield _pause
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield _key
    finally:
        with suppress(termios.error):  # the terminal is closed
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _pause(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def _key(seconds: float) -> str:
    if not select.select([sys.stdin], [], [], seconds)[0]:
        return ""
    try:
        key = os.read(sys.stdin.fileno(), 1)
    except OSError:
        key = b""
    if not key:
        raise EOFError  # the terminal is closed
    return key.decode(errors="replace")
