"""The messages of the operator's commands: steps and evidence on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from tasktracker_cli.errors import UsageError
from tasktracker_cluster.errors import AdminError
from tasktracker_cluster.progress import Steps


@contextmanager
def reporting() -> Iterator[Steps]:
    """Give steps on standard error. Print the evidence of an AdminError before its message."""
    console = Console(stderr=True)
    try:
        yield Steps(console)
    except AdminError as error:
        for line in error.evidence:
            console.print(f"  {line}", markup=False, highlight=False, style="dim", soft_wrap=True)
        raise


def confirm(question: str, hint: str = "Use --yes to go on without asking.") -> None:
    """Go on only if the operator, or a pipe, says yes. Raises Abort, and UsageError for silence."""
    try:
        typer.confirm(question, abort=True, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        typer.echo(err=True)  # the question has no end of line
        raise UsageError("Nobody answered.", hint) from None
