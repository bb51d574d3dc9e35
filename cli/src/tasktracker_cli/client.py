"""The one client of the gateway's HTTP API: calls in, JSON out, refusals as exceptions."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tasktracker_cli.credentials import Login
from tasktracker_cli.errors import NotLoggedInError
from tasktracker_cli.problems import nonsense, refusal
from tasktracker_cli.transport import Answer, Transport

BASE = "/api/v1"
PAGE = 200  # the API's largest page
_NEXT = re.compile(r'<([^>]*)>[^,<]*;\s*rel="?next\b')  # RFC 8288


class Client:
    """Calls one gateway, with the token that this gateway issued or with none. `waiting` surrounds
    each request.

    Every call returns the answer's JSON as it came, and raises the errors of `errors.py`.
    """

    def __init__(
        self,
        transport: Transport,
        login: Login | None,
        waiting: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self._transport = transport
        self._login = login
        self._waiting = waiting

    def register(self, account: Mapping[str, str]) -> Any:
        hints = {409: "Choose another, or log in with: tasktracker-cli login --username NAME"}
        return _json(self._send("POST", "/auth/register", account, hints=hints))

    def log_in(self, username: str, password: str) -> Any:
        body = {"username": username, "password": password}
        hints = {401: "Try again, or make an account with: tasktracker-cli register"}
        return _json(self._send("POST", "/auth/login", body, hints=hints))

    def me(self) -> Any:
        return _json(self._send("GET", "/auth/me"))

    def create_task(self, fields: Mapping[str, Any]) -> Any:
        # With a key the server can tell a repeated request from a second task.
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return _json(self._send("POST", "/tasks/", fields, headers=headers))

    def list_tasks(self, filters: Mapping[str, str], limit: int) -> tuple[list[Any], bool]:
        """Return up to `limit` tasks, and whether there are more."""
        query: dict[str, Any] = {**filters, "limit": min(limit, PAGE)}
        tasks: list[Any] = []
        while True:
            answer = self._send("GET", f"/tasks/?{urlencode(query, errors='surrogatepass')}")
            page = _json(answer)
            if not (isinstance(page, list) and all(isinstance(task, dict) for task in page)):
                raise nonsense("a list of tasks was expected")
            tasks += page
            following = _next_page(answer) if page else None
            if following is None or len(tasks) >= limit:
                return tasks[:limit], following is not None or len(tasks) > limit
            query = {**following, "limit": min(limit - len(tasks), PAGE)}

    def get_task(self, task_id: int) -> Any:
        return _json(self._send("GET", f"/tasks/{task_id}"))

    def update_task(self, task_id: int, changes: Mapping[str, Any]) -> Any:
        return _json(self._send("PATCH", f"/tasks/{task_id}", changes))

    def complete_task(self, task_id: int) -> Any:
        return _json(self._send("PATCH", f"/tasks/{task_id}/complete"))

    def reopen_task(self, task_id: int) -> Any:
        return _json(self._send("PATCH", f"/tasks/{task_id}/incomplete"))

    def delete_task(self, task_id: int) -> None:
        self._send("DELETE", f"/tasks/{task_id}")

    def stats(self) -> Any:
        return _json(self._send("GET", "/stats/"))

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        hints: Mapping[int, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        content = None
        if body is not None:
            # json.dumps escapes a lone surrogate, so that the server can refuse it.
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        answer = self._exchange(method, path, content, sent)
        if answer.is_success:
            return answer
        if answer.status < 400:
            raise nonsense("it redirects, which is not followed")
        if answer.status == 401 and self._login:
            raise self._expired(self._login)
        raise refusal(answer, hints or {})

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        token = {"Authorization": f"Bearer {self._login.access_token}"} if self._login else {}
        with self._waiting():
            return self._transport.request(method, f"{BASE}{path}", content, {**headers, **token})

    def _expired(self, login: Login) -> NotLoggedInError:
        return NotLoggedInError(
            f"Your login at {self._transport.origin} has expired or is no longer valid.",
            f"Log in again with: tasktracker-cli login --username {login.username}",
        )


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise nonsense("its answer is not JSON") from None


def _next_page(answer: Answer) -> dict[str, str] | None:
    """Return the query of the next page. Only that: a link cannot lead the token elsewhere."""
    link = _NEXT.search(answer.headers.get("link", ""))
    return dict(parse_qsl(urlsplit(link[1]).query)) if link else None
