"""How a password gets here: asked for without an echo, or from standard input."""

from __future__ import annotations

import getpass
import sys

import typer

from tasktracker_cli.errors import UsageError
from tasktracker_cli.terminal import streams
from tasktracker_cli.terminal.sink import is_terminal


def read() -> str:
    """Return the next line of standard input."""
    password = streams.read_line()
    if not password:
        raise UsageError("There is no password on standard input.")
    return password


def ask(question: str = "Password", *, twice: bool = False) -> str:
    """Ask on the terminal; twice for a new one, which a typing mistake would lock away."""
    if not is_terminal(sys.stdin):
        raise UsageError(
            "There is no terminal to ask for the password on.", "Use --password-stdin."
        )
    try:
        password = getpass.getpass(f"{question}: ")
        repeated = getpass.getpass(f"{question} again: ") if twice else password
    except EOFError:
        raise typer.Abort from None
    if not password:
        raise UsageError("The password is empty.")
    if password != repeated:
        raise UsageError("The two passwords differ.", "Nothing was sent: try again.")
    return password
