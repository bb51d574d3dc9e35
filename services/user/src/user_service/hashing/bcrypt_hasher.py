"""bcrypt in threads of its own, so that no other request waits behind a hash."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from passlib.context import CryptContext

from user_service.domain.passwords import Verify
from user_service.hashing.fair_queue import FairQueue

Result = TypeVar("Result")


class BcryptHasher:
    """Hashes with bcrypt_sha256, which takes passwords of any length.

    cost: bcrypt's log2 of rounds; each step doubles the time (12 takes about 0.25 s).
    workers: hashes computed at once. More than the cores only makes each one slower.
    queue: requests that may wait for a worker; one more raises HashingBusyError.
    """

    def __init__(self, *, cost: int, workers: int, queue: int) -> None:
        self._context = CryptContext(schemes=["bcrypt_sha256"], bcrypt_sha256__rounds=cost)
        self._threads = ThreadPoolExecutor(
            workers, thread_name_prefix="hashing", initializer=_lower_priority
        )
        self._queue = FairQueue(slots=workers, places=queue)

    async def hash(self, password: str, client: str) -> str:
        """Return the salted hash to store, 75 ASCII characters. Raises HashingBusyError."""
        async with self._queue.slot(client):
            return await self._run(lambda: self._context.hash(password))

    @asynccontextmanager
    async def slot(self, client: str) -> AsyncIterator[Verify]:
        """Wait for a worker, and hold it inside the block. Raises HashingBusyError."""
        async with self._queue.slot(client):
            yield self._verify

    def waiting(self) -> int:
        """Return how many requests wait for a worker."""
        return self._queue.waiting

    async def warm_up(self) -> None:
        """Do the work that makes the first verification of a process slow.

        passlib tries the library, and computes the hash that stands for a missing one.
        """
        await self._verify("", None)

    def close(self) -> None:
        """Wait for the hashes that are being computed, and end the threads."""
        self._threads.shutdown()

    async def _verify(self, password: str, hashed: str | None) -> bool:
        if hashed is None:
            await self._run(self._context.dummy_verify)
            return False
        return await self._run(lambda: bool(self._context.verify(password, hashed)))

    async def _run(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _lower_priority() -> None:
    # On Linux for this thread only: a login waits a little longer, and other requests do not.
    os.nice(5)
