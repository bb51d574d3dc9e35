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
    """Yield a function that waits some seconds for a key, and returns it or an empty text.

    It raises EOFError when the terminal has gone away.
    Keys are neither shown nor kept until Enter; the terminal is as before afterwards.
    """
    if not sys.stdin.isatty():
        yield _pause
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield _key
    finally:
        with suppress(termios.error):  # a terminal that is gone needs no tidying
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
        raise EOFError  # the terminal is gone
    return key.decode(errors="replace")
