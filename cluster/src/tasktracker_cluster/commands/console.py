"""The messages of the operator's commands: steps and evidence on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

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
