"""A bounded queue that serves clients in turn, so that one client cannot starve the others."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from user_service.domain.errors import HashingBusyError

Waiter = asyncio.Future[None]


class FairQueue:
    """Gives out `slots`, and lets at most `places` requests wait for one. For one event loop.

    Waiting clients are served round-robin. When the queue is full, a new request takes the place of
    the last request of the client that has the most waiting; that request is refused. So one client
    may fill the queue, and loses only what is more than its share when others come.
    """

    def __init__(self, *, slots: int, places: int) -> None:
        self._free_slots = slots
        self._free_places = places
        self._waiting: OrderedDict[str, deque[Waiter]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many requests wait for a slot."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def slot(self, client: str) -> AsyncIterator[None]:
        """Wait for a slot, and hold it inside the block. Raises HashingBusyError."""
        await self.acquire(client)
        try:
            yield
        finally:
            self.release()

    async def acquire(self, client: str) -> None:
        """Wait for a slot. Raises HashingBusyError when the queue has no place for the request."""
        if self._free_slots:
            self._free_slots -= 1
            return
        if self._free_places == 0:
            self._make_room(client)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append(waiter)
        self._free_places -= 1
        try:
            await waiter
        except asyncio.CancelledError:
            self._give_up(client, waiter)
            raise

    def release(self) -> None:
        """Give the slot to the next client, or back."""
        while self._waiting:
            client, waiters = self._waiting.popitem(last=False)
            waiter = waiters.popleft()
            if waiters:
                self._waiting[client] = waiters  # Behind all other clients.
            self._free_places += 1
            if not waiter.cancelled():
                waiter.set_result(None)
                return
        self._free_slots += 1

    def _make_room(self, client: str) -> None:
        largest = max(self._waiting, key=self._length, default=client)
        if self._length(largest) <= self._length(client) + 1:
            raise HashingBusyError
        last = self._waiting[largest][-1]
        self._remove(largest, last)
        if not last.cancelled():
            last.set_exception(HashingBusyError())

    def _give_up(self, client: str, waiter: Waiter) -> None:
        if waiter in self._waiting.get(client, ()):
            self._remove(client, waiter)
        elif not waiter.cancelled() and waiter.exception() is None:
            # The slot was given at the same moment.
            self.release()

    def _length(self, client: str) -> int:
        return len(self._waiting.get(client, ()))

    def _remove(self, client: str, waiter: Waiter) -> None:
        waiters = self._waiting[client]
        waiters.remove(waiter)
        if not waiters:
            del self._waiting[client]
        self._free_places += 1
