"""Single keys from a terminal, while something else is on the screen."""

import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Pressed = Callable[[float], str]


@contextmanager
def keys() -> Iterator[Pressed]:
    """Yield a function that waits some seconds for a key, and returns it or an empty text.

    Keys are neither shown nor kept until Enter; the terminal is as before afterwards.
    """
    if not sys.stdin.isatty():
        yield _pause
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield lambda seconds: sys.stdin.read(1) if _is_ready([sys.stdin], seconds) else ""
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _pause(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def _is_ready(streams: list[TextIO], seconds: float) -> bool:
    return bool(select.select(streams, [], [], seconds)[0])
