"""Several lists of tasks as one, in the order that each of them has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any

from tasktracker_cli.gateway.problems import bad_answer

NEWEST_FIRST = "-created_at"
_PRIORITIES = ("low", "medium", "high")
_NEVER = datetime.max.replace(tzinfo=UTC)

Key = Callable[[Mapping[str, Any]], Any]


def merged(
    lists: Sequence[Iterable[Mapping[str, Any]]], sort: str, size: int, limit: int | None
) -> Iterator[tuple[list[Any], bool]]:
    """Yield pages of at most `size` tasks, `limit` in all, and whether there are more after each.

    `sort` is the order that every list has, as the API names it.
    """
    ordered = merge(*lists, key=_checked(_key(sort.removeprefix("-"))), reverse=sort[0] == "-")
    left = limit
    ahead = list(islice(ordered, 1))
    while True:
        count = size if left is None else min(size, left)
        page = [*ahead, *islice(ordered, count - len(ahead))]
        ahead = list(islice(ordered, 1))
        yield page, bool(ahead)
        left = None if left is None else left - len(page)
        if not ahead or left == 0:
            return


def _key(field: str) -> Key:
    """Return what the API compares: a field, and among equals the number."""
    compared: dict[str, Key] = {
        "created_at": lambda task: datetime.fromisoformat(task["created_at"]),
        "due_date": lambda task: (
            datetime.fromisoformat(task["due_date"]) if task["due_date"] else _NEVER
        ),
        "priority": lambda task: _PRIORITIES.index(task["priority"]),
        "title": lambda task: task["title"].lower(),
    }
    value = compared[field]
    return lambda task: (value(task), task["id"])


def _checked(key: Key) -> Key:
    def read(task: Mapping[str, Any]) -> Any:
        try:
            return key(task)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise bad_answer("a list of tasks was expected") from None

    return read
