"""The program's errors, and the one place that turns an error into an exit code.

The code of an error is for programs (`--json`) and does not change.

error                  exit  code
CliError                  1  failure
├── BadAnswerError        1  bad-answer      the gateway's answer makes no sense
├── OutputClosedError     0  output-closed   the reader of stdout has had enough (`| head`)
├── UsageError            2  usage           the command line, or what it says, is wrong
├── NotLoggedInError      4  not-logged-in   no token, or one that is no longer accepted
├── NotFoundError         5  not-found
├── ConflictError         6  conflict        someone else was faster, or has it already
└── UnavailableError      7  unavailable     unreachable, too slow, overloaded or down

Ctrl-C, and Ctrl-D at a question, end with 130.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import typer
from typer._click.exceptions import NoArgsIsHelpError  # Typer shows it nowhere else

INTERRUPTED = 130

# What Typer calls a number that it cannot read: the names of its own types.
_NUMBER = r"is not a valid (int|float)( range)?\."


class CliError(Exception):
    """One clear sentence for the user, and what to do next.

    `status` and `request_id` are of the gateway's answer, if that was the cause.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failure"

    def __init__(
        self,
        message: str = "",
        hint: str = "",
        *,
        status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
        self.request_id = request_id

    def told(self) -> str:
        """Return the text for people: a sentence, then a second one or a command to type."""
        return f"{sentence(self.message)} {self.hint}".rstrip()

    def facts(self) -> dict[str, str | int]:
        """Return the fields for programs: code, message, and the others that have a value."""
        facts = {
            "code": self.code,
            "message": sentence(self.message),
            "hint": self.hint,
            "status": self.status,
            "request_id": self.request_id,
        }
        return {name: value for name, value in facts.items() if value}


class BadAnswerError(CliError):
    """The gateway's answer makes no sense."""

    code = "bad-answer"


class OutputClosedError(CliError):
    """The reader of standard output has left."""

    exit_code = 0
    code = "output-closed"


class UsageError(CliError):
    """The command line is wrong, or what it names."""

    exit_code = 2
    code = "usage"


class NotLoggedInError(CliError):
    """There is no token, or it is no longer accepted."""

    exit_code = 4
    code = "not-logged-in"


class NotFoundError(CliError):
    """There is no such thing, or it belongs to another user."""

    exit_code = 5
    code = "not-found"


class ConflictError(CliError):
    """Another change came first, or a name is taken."""

    exit_code = 6
    code = "conflict"


class UnavailableError(CliError):
    """The gateway cannot be reached, is overloaded or down.

    `retry_after` is how many seconds the gateway asks to wait, 0 if it does not say.
    """

    exit_code = 7
    code = "unavailable"
    retry_after = 0


ERRORS: dict[type[CliError], str] = {
    CliError: "anything else",
    BadAnswerError: "what answers is no TaskTracker gateway",
    UsageError: "the command line, or what it says, is wrong",
    NotLoggedInError: "no login, or one that is over",
    NotFoundError: "there is no such thing, or it is not yours",
    ConflictError: "someone else was faster, or has it already",
    UnavailableError: "unreachable, too slow, overloaded or down: try again",
}
"""What each kind of error means, for the help."""


class Reporter(Protocol):
    """Reports errors."""

    def error(self, error: CliError) -> None: ...


def guard(program: Callable[[], Any], reporter: Reporter) -> int:
    """Run the program, report its error, if any, and return the exit code."""
    try:
        # Typer returns the code of an Exit, and 130 for Ctrl-C, instead of raising.
        code = program()
    except CliError as error:
        if error.message:
            reporter.error(error)
        return error.exit_code
    except typer.Abort:
        return INTERRUPTED
    except NoArgsIsHelpError as error:
        typer.echo(error.format_message(), err=True)
        return error.exit_code
    except typer.TyperException as error:
        # Typer writes each possible value on a line of its own.
        message = re.sub(_NUMBER, _in_words, " ".join(error.format_message().split()))
        reporter.error(UsageError(message, _usage_hint(error)))
        return error.exit_code
    return code if isinstance(code, int) else 0


def _in_words(match: re.Match[str]) -> str:
    return "is not a whole number." if match[1] == "int" else "is not a number."


def _usage_hint(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else ""


def sentence(text: str) -> str:
    """Return the text with a full stop, unless it ends like a sentence."""
    return text if text.endswith((".", "?", "!", ":")) else f"{text}."
