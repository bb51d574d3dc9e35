"""Tokens that were found good, until they expire.

A client sends the same token for its 15 minutes. Checking it takes 33 µs, about a tenth of a read
of one task; finding it again takes 0.8 µs.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")
CAPACITY = 10_000  # tokens, about 4 MB


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    value: Value
    expires: float


class Remembered(Generic[Value]):
    """What good tokens say. `clock` gives seconds since the epoch, as a token's `exp` does.

    Only digests are kept: a token that can be read from memory is one that can be used. When there
    are `capacity` tokens, a new one displaces the one that came first, which is checked again when
    it comes. Not for two threads at once.
    """

    def __init__(self, capacity: int = CAPACITY, clock: Callable[[], float] = time.time) -> None:
        self._capacity = capacity
        self._clock = clock
        self._entries: dict[bytes, _Entry[Value]] = {}

    def find(self, token: bytes) -> Value | None:
        """What the token says; None if it is not remembered or has expired."""
        entry = self._entries.get(_digest(token))
        return entry.value if entry and self._clock() < entry.expires else None

    def keep(self, token: bytes, value: Value, expires: float) -> None:
        self._entries.pop(digest := _digest(token), None)
        if len(self._entries) >= self._capacity:
            del self._entries[next(iter(self._entries))]
        self._entries[digest] = _Entry(value, expires)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
