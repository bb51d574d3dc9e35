"""The API's calls about tasks, on top of a client that is logged in."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from tasktracker_cli.errors import NotFoundError, UnavailableError
from tasktracker_cli.gateway.problems import bad_answer

PAGE = 200  # the API's largest page
PATIENCE = 5.0  # seconds: the longest wait before a create is tried once more
_NEXT = re.compile(r'<([^>]*)>[^,<]*;\s*rel="?next\b')  # RFC 8288


class Reply(NamedTuple):
    """The answer's JSON, None if it has no body, and its headers."""

    value: Any
    headers: Mapping[str, str]


class Page(NamedTuple):
    """Some tasks of a list, and whether there are more after them."""

    tasks: list[Any]
    more: bool


class Caller(Protocol):
    """What sends a request and raises the errors of `errors.py`; `Client` is one."""

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply: ...


@dataclass(frozen=True)
class Version:
    """A task as it was read, and the entity tag of this state."""

    raw: Mapping[str, Any]
    etag: str


class Tasks:
    """The user's tasks, as the API's own JSON."""

    def __init__(self, caller: Caller, sleep: Callable[[float], object] = time.sleep) -> None:
        self._caller = caller
        self._sleep = sleep

    def create(self, fields: Mapping[str, Any]) -> Version:
        """Create a task; after a fault that may pass, try once more. No task is created twice."""
        key = str(uuid.uuid4())
        try:
            return _version(self._create(fields, key))
        except UnavailableError as error:
            if error.status == 429 or error.retry_after > PATIENCE:
                raise
            self._sleep(error.retry_after)
            return _version(self._create(fields, key))

    def create_once(self, fields: Mapping[str, Any], key: str) -> tuple[Any, bool]:
        """Create a task; return it, and whether this idempotency key has created it before."""
        reply = self._create(fields, key)
        return reply.value, reply.headers.get("idempotent-replayed") == "true"

    def _create(self, fields: Mapping[str, Any], key: str) -> Reply:
        headers = {"Idempotency-Key": key}
        return self._caller.call("POST", "/tasks/", fields, headers=headers)

    def exists(self, task_id: int) -> bool:
        """Return whether the task exists and is not deleted."""
        try:
            self.get(task_id)
        except NotFoundError:
            return False
        return True

    def pages(
        self, filters: Mapping[str, str], limit: int | None, statuses: Sequence[str] = ()
    ) -> Iterator[Page]:
        """Yield the tasks as they arrive: `limit` in all, or with None every one.

        The API lists one status or all of them; several are that many lists, put together here.
        """
        if len(statuses) < 2:
            one = {"status": statuses[0]} if statuses else {}
            yield from self._pages({**one, **filters}, limit)
            return
        from tasktracker_cli.gateway import merging

        most = None if limit is None else limit + 1  # one more tells whether there are more
        lists = [
            (task for page in self._pages({"status": status, **filters}, most) for task in page[0])
            for status in statuses
        ]
        sort = filters.get("sort", merging.NEWEST_FIRST)
        for tasks, more in merging.merged(lists, sort, PAGE, limit):
            yield Page(tasks, more)

    def _pages(self, filters: Mapping[str, str], limit: int | None) -> Iterator[Page]:
        query = dict(filters)
        while True:
            query["limit"] = str(PAGE if limit is None else min(limit, PAGE))
            reply = self._caller.call("GET", f"/tasks/?{urlencode(query, errors='surrogatepass')}")
            found = _tasks(reply.value)
            following = next_query(reply.headers) if found else None
            yield Page(found[:limit], following is not None or len(found) > len(found[:limit]))
            limit = None if limit is None else max(limit - len(found), 0)
            if following is None or limit == 0:
                return
            query = following

    def get(self, task_id: int) -> Version:
        return _version(self._caller.call("GET", f"/tasks/{task_id}"))

    def update(self, task_id: int, changes: Mapping[str, Any], etag: str) -> Version:
        """Change the task as long as it is in the state that the tag names; else ConflictError."""
        headers = _if_match(etag)
        return _version(self._caller.call("PATCH", f"/tasks/{task_id}", changes, headers=headers))

    def complete(self, task_id: int) -> Version:
        return _version(self._caller.call("PATCH", f"/tasks/{task_id}/complete"))

    def reopen(self, task_id: int) -> Version:
        return _version(self._caller.call("PATCH", f"/tasks/{task_id}/incomplete"))

    def restore(self, task_id: int) -> Version:
        """Bring a deleted task back; one that is there is given as it is."""
        return _version(self._caller.call("POST", f"/tasks/{task_id}/restore"))

    def delete(self, task_id: int, etag: str = "") -> None:
        """Delete the task, with a tag only in the state that it names; else ConflictError."""
        self._caller.call("DELETE", f"/tasks/{task_id}", headers=_if_match(etag))


def next_query(headers: Mapping[str, str]) -> dict[str, str] | None:
    """Return the query of the list's next page, if there is one.

    Only the query is taken: a link cannot lead the token anywhere else.
    """
    link = _NEXT.search(headers.get("link", ""))
    return dict(parse_qsl(urlsplit(link[1]).query)) if link else None


def _tasks(value: Any) -> list[Any]:
    if not (isinstance(value, list) and all(isinstance(task, dict) for task in value)):
        raise bad_answer("a list of tasks was expected")
    return value


def _version(reply: Reply) -> Version:
    if not isinstance(reply.value, dict):
        raise bad_answer("a task was expected")
    return Version(reply.value, reply.headers.get("etag", ""))


def _if_match(etag: str) -> dict[str, str]:
    return {"If-Match": etag} if etag else {}
