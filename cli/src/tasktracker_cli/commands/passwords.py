"""Read a password: from the terminal without an echo, or from standard input."""

from __future__ import annotations

import getpass
import sys

import typer

from tasktracker_cli.errors import UsageError
from tasktracker_cli.terminal import streams
from tasktracker_cli.terminal.sink import is_terminal

ATTEMPTS = 3


def read() -> str:
    """Return the next line of standard input."""
    password = streams.read_line()
    if not password:
        raise UsageError("There is no password on standard input.")
    return password


def ask(question: str = "Password") -> str:
    """Ask on the terminal, without showing what is typed."""
    password = _typed(question)
    if not password:
        raise UsageError("The password is empty.")
    return password


def ask_new(question: str = "Password") -> str:
    """Ask for a new password twice, because a typing mistake would lock the account away."""
    for attempt in range(ATTEMPTS):
        if attempt:
            typer.echo("The two passwords differ. Try once more.", err=True)
        password = ask(question)
        if _typed(f"{question} again") == password:
            return password
    raise UsageError("The two passwords differ.", "Nothing was sent: try again.")


def _typed(question: str) -> str:
    if not is_terminal(sys.stdin):
        raise UsageError(
            "There is no terminal to ask for the password on.", "Use --password-stdin."
        )
    try:
        return getpass.getpass(f"{question}: ")
    except EOFError:
        raise typer.Abort from None
