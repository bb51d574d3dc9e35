"""What can go wrong, and the one place that turns it into an exit code.

CliError                  1  failure
├── BadAnswerError        1  the gateway's answer makes no sense
├── OutputClosedError     0  the reader of stdout has had enough (`| head`)
├── UsageError            2  the command line, or what it says, is wrong
├── NotLoggedInError      4  no token, or one that is no longer accepted
├── NotFoundError         5
├── ConflictError         6
└── UnavailableError      7  unreachable, too slow, overloaded or down

Ctrl-C, and Ctrl-D at a question, end with 130.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import typer


class CliError(Exception):
    """One clear sentence for the user, and what to do next."""

    def __init__(self, message: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadAnswerError(CliError): ...


class OutputClosedError(CliError): ...


class UsageError(CliError): ...


class NotLoggedInError(CliError): ...


class NotFoundError(CliError): ...


class ConflictError(CliError): ...


class UnavailableError(CliError): ...


INTERRUPTED = 130

EXIT_CODES: dict[type[CliError], int] = {
    CliError: 1,
    BadAnswerError: 1,
    OutputClosedError: 0,
    UsageError: 2,
    NotLoggedInError: 4,
    NotFoundError: 5,
    ConflictError: 6,
    UnavailableError: 7,
}


class Reporter(Protocol):
    """Where errors are told."""

    def error(self, message: str, hint: str) -> None: ...


def guard(program: Callable[[], Any], reporter: Reporter) -> int:
    """Run the program; tell its error, if any, and return the exit code."""
    try:
        # Typer returns the code of an Exit, and 130 for Ctrl-C, instead of raising.
        code = program()
    except CliError as error:
        if error.message:
            reporter.error(error.message, error.hint)
        return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        reporter.error(_sentence(error.format_message()), _usage_hint(error))
        return error.exit_code
    return code if isinstance(code, int) else 0


def _usage_hint(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else ""


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."
