"""Creating a task once, however often it is asked for with the same key."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta

from task_service.domain.task import Changes, Task

KEPT = timedelta(hours=24)
"""How long a key is remembered."""


@dataclass(frozen=True, slots=True)
class Creation:
    """A task as it was made, and the fingerprint of what it was made from.

    `replayed` says that the key had made it before, and nothing was made now.
    """

    fingerprint: bytes
    task: Task
    replayed: bool = False


def fingerprint(values: Changes) -> bytes:
    """The same for the same fields, whatever their order and spelling in the body."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).digest()
