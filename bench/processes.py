"""Services as processes of their own, on loopback, with nothing between them and the load."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from bench.errors import BenchError
from servicekit.testing import process

START_LIMIT = 30  # seconds


@contextmanager
def serving(module: str, settings: dict[str, str]) -> Iterator[str]:
    """Run `python -m module`; gives its address, http://127.0.0.1:port, once it answers."""
    with ExitStack() as stack:
        try:
            service = stack.enter_context(process.started(module, START_LIMIT, **settings))
        except httpx.ConnectError:
            raise BenchError(f"{module} did not start; its own words are above") from None
        yield service.address
