"""Creating a task once, however often a client sends the same idempotency key."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta

from task_service.domain.task import Changes, Task

KEY_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Creation:
    """A task as it was created, and the fingerprint of the values that it was created from.

    `replayed` means that an earlier request with the key created it, and this one did nothing.
    """

    fingerprint: bytes
    task: Task
    replayed: bool = False


def fingerprint(values: Changes) -> bytes:
    """Return a digest that does not depend on the order and the spelling of the fields."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).digest()
