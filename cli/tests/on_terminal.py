"""One run of the program on a terminal of its own, with somebody who answers its questions."""

import re
from collections.abc import Mapping
from pathlib import Path

from cli.tests.conftest import PROGRAM, Cli
from tests.terminal import Terminal

COLOUR = re.compile(r"\x1b\[[\d;]*m")
CTRL_C, CTRL_D = "\x03", "\x04"


def on_terminal(
    cli: Cli,
    *args: str,
    typed: Mapping[str, str] | None = None,
    width: int = 80,
    program: Path = PROGRAM,
    **env: str,
) -> tuple[int, str]:
    """Run the program, and type each reply when its question appears.

    Returns the exit code and all that the terminal showed.
    """
    terminal = Terminal([program, *args], {**cli.env, **env}, columns=width)
    try:
        for question, reply in (typed or {}).items():
            terminal.wait_for(re.escape(question))
            if reply == CTRL_C:
                return terminal.interrupt(), terminal.shown
            terminal.type(reply)
        return terminal.end(), terminal.shown
    except BaseException:
        terminal.kill()
        raise
