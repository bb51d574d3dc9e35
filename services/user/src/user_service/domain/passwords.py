"""What the rules need of password hashing."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Verify(Protocol):
    """Verifies passwords. Takes as long without a hash (None), and returns False then.

    So the time of an answer does not tell whether an account exists.
    """

    async def __call__(self, password: str, hashed: str | None) -> bool: ...


class Hasher(Protocol):
    """Hashes passwords, a bounded number at once. Clients take turns.

    Each call raises HashingBusyError when too many requests wait.
    """

    async def hash(self, password: str, client: str) -> str:
        """Return the salted hash to store."""

    def slot(self, client: str) -> AbstractAsyncContextManager[Verify]:
        """Wait for the client's turn; the block may verify passwords."""
