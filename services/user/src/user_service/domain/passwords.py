"""Password hashing in threads of its own, so that nothing else waits behind it."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from passlib.context import CryptContext

from user_service.domain.turns import Turns

Result = TypeVar("Result")


class Passwords:
    """Hashes and verifies with bcrypt_sha256, which takes passwords of any length.

    cost: bcrypt's log2 of rounds; each step doubles the time (12 takes about 0.25 s).
    workers: hashes computed at once. More than the cores only makes each one slower.
    queue: hashes that may wait beyond those; one too many raises HashingBusyError. Clients take
    turns: what that is for, and whom it hits, is with Turns.
    """

    def __init__(self, *, cost: int, workers: int, queue: int) -> None:
        self._context = CryptContext(schemes=["bcrypt_sha256"], bcrypt_sha256__rounds=cost)
        self._pool = ThreadPoolExecutor(
            workers, thread_name_prefix="passwords", initializer=_yield_to_others
        )
        self._turns = Turns(running=workers, waiting=queue)

    async def hash(self, password: str, client: str) -> str:
        """Return the salted hash to store, 75 ASCII characters."""
        return await self.run(lambda: self._context.hash(password), client)

    def matches(self, password: str, hashed: str | None) -> bool:
        """Tell whether `password` is the one that was hashed. Blocks: only for `run`.

        Nobody's (None) takes as long: an unknown user must not be answered faster.
        """
        if hashed is None:
            self._context.dummy_verify()
            return False
        return bool(self._context.verify(password, hashed))

    async def run(self, work: Callable[[], Result], client: str) -> Result:
        """Do `work`, which hashes, when the client's turn has come. Raises HashingBusyError."""
        await self._turns.wait(client)
        loop = asyncio.get_running_loop()
        # With the request's context: what `work` logs names the request.
        future = self._pool.submit(copy_context().run, work)
        # The turn ends when the thread is free, which is later than a caller who gave up.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._turns.leave))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what is running."""
        self._pool.shutdown()


def _yield_to_others() -> None:
    # On Linux only the calling thread's. Who signs in waits a little longer, all others do not.
    os.nice(5)
