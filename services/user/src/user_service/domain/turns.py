"""A queue in which clients take turns, so that no client's crowd keeps another one waiting."""

import asyncio
from collections import OrderedDict, deque

from user_service.domain.errors import HashingBusyError

Turn = asyncio.Future[None]


class Turns:
    """Lets `running` go at once and keeps at most `waiting` behind them.

    Among the waiting, each client in turn has one let in. Where the queue is full, a newcomer takes
    the place of the client that waits most often, whose last one is refused: so a single client may
    fill the queue, and loses nothing to others but what is beyond its share. For one event loop.
    """

    def __init__(self, *, running: int, waiting: int) -> None:
        self._free = running
        self._places = waiting
        self._lines: OrderedDict[str, deque[Turn]] = OrderedDict()

    async def wait(self, client: str) -> None:
        """Return when it is one's turn; `leave` ends it. Raises HashingBusyError."""
        if self._free:
            self._free -= 1
            return
        if self._places == 0:
            self._make_room(client)
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(client, deque()).append(turn)
        self._places -= 1
        try:
            await turn
        except asyncio.CancelledError:
            self._give_up(client, turn)
            raise

    def leave(self) -> None:
        """Let the next one in."""
        while self._lines:
            client, line = self._lines.popitem(last=False)
            turn = line.popleft()
            if line:
                self._lines[client] = line  # Behind all others.
            self._places += 1
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._free += 1

    def _make_room(self, client: str) -> None:
        crowd = max(self._lines, key=self._length, default=client)
        if self._length(crowd) <= self._length(client) + 1:
            raise HashingBusyError
        last = self._lines[crowd][-1]
        self._remove(crowd, last)
        if not last.cancelled():
            last.set_exception(HashingBusyError())

    def _give_up(self, client: str, turn: Turn) -> None:
        if turn in self._lines.get(client, ()):
            self._remove(client, turn)
        elif not turn.cancelled() and turn.exception() is None:  # Let in at the same moment.
            self.leave()

    def _length(self, client: str) -> int:
        return len(self._lines.get(client, ()))

    def _remove(self, client: str, turn: Turn) -> None:
        line = self._lines[client]
        line.remove(turn)
        if not line:
            del self._lines[client]
        self._places += 1
