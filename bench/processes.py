"""Services as separate processes on loopback, without a gateway or a mesh."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from bench.errors import BenchError
from servicekit.testing import process
from servicekit.testing.process import Started

START_LIMIT = 180  # seconds, for a busy machine


@contextmanager
def serving(module: str, settings: dict[str, str]) -> Iterator[Started]:
    """Run `python -m module`, and give its address and its process when it answers.

    Raises BenchError when it does not start.
    """
    with ExitStack() as stack:
        try:
            service = stack.enter_context(process.started(module, START_LIMIT, **settings))
        except httpx.ConnectError:
            raise BenchError(f"{module} did not start. See its output above.") from None
        yield service
