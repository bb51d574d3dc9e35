"""The three standard streams: all are open from the start, and their failures are errors."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from tasktracker_cli.errors import CliError, OutputClosedError, UsageError

_OF_A_STREAM = {errno.EBADF, errno.EIO, errno.ENOSPC, errno.EPIPE, errno.EFBIG, errno.EDQUOT}

# What an encoding such as Latin-1 lacks of what we print: it has the same width.
_PLAIN = str.maketrans("○◐●▽▷▲█░✓✗→·…", "o~*v>^#.+x>.~")
_PLAIN_ERRORS = "tasktracker-plain"


def lacking(stream: TextIO) -> str:
    """Return how a stream shows characters that its encoding lacks: as escapes, not by a crash.

    On a terminal our own glyphs become letters. A program that reads must not take those for data.
    """
    return _PLAIN_ERRORS if stream.isatty() else "backslashreplace"


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - these streams are written only
    text = error.object[error.start : error.end].translate(_PLAIN)
    # Spinners turn in patterns of Braille.
    text = "".join("*" if "\u2800" <= one <= "\u28ff" else one for one in text)
    return text.encode("ascii", "backslashreplace").decode(), error.end


codecs.register_error(_PLAIN_ERRORS, _plain)


def open_closed() -> None:
    """Open the streams that the caller closed, so that no other file gets their numbers.

    Standard input and output are opened the wrong way round: using them fails, as it should.
    """
    for number, flags in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free: this one
    # Python has no object for a stream that was closed.
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - stays
            setattr(sys, name, stream)


def read_text() -> str:
    """Return the rest of standard input. Raises UsageError if it cannot be read as UTF-8."""
    with _reading():
        return sys.stdin.read()


def read_line() -> str:
    """Return the next line of standard input, without its end; errors as for `read_text`."""
    with _reading():
        return sys.stdin.readline().rstrip("\r\n")


def read_bytes() -> bytes:
    """Return the rest of standard input as it is. Raises UsageError if it cannot be read."""
    with _reading():
        return sys.stdin.buffer.read()


@contextmanager
def writing() -> Iterator[None]:
    """Turn a failure to write standard output, in any code, into a CliError."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or error.errno not in _OF_A_STREAM:
            raise
        raise lost(error) from None


def tell(line: str) -> None:
    """Write a line to standard error. Where that fails, the exit code still says how it went."""
    try:
        print(line, file=sys.stderr)  # noqa: T201 - the place that prints
    except OSError:
        _discard(sys.stderr)


def lost(error: OSError) -> CliError:
    """Give up standard output, and return the error that says why."""
    _discard(sys.stdout)
    if isinstance(error, BrokenPipeError):
        return OutputClosedError()
    return CliError(f"The output cannot be written: {_reason(error)}.")


def _discard(stream: TextIO) -> None:
    # Python flushes again when it exits, and would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"Standard input cannot be read: {_reason(error)}.") from None
    except UnicodeDecodeError:
        raise UsageError("Standard input is not text in UTF-8.") from None


def _reason(error: OSError) -> str:
    return "it is closed" if error.errno == errno.EBADF else str(error.strerror)
