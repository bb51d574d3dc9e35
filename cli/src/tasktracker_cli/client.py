"""The one client of the gateway's HTTP API: calls in, JSON out, refusals as exceptions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tasktracker_cli.credentials import Login
from tasktracker_cli.errors import NotLoggedInError
from tasktracker_cli.problems import nonsense, refusal
from tasktracker_cli.tasks import Reply
from tasktracker_cli.transport import Answer, Transport

BASE = "/api/v1"


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

    def stats(self) -> Any:
        return _json(self._send("GET", "/stats/"))

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send any request below /api/v1; the names of the answer's headers are in lower case."""
        answer = self._send(method, path, body, headers=headers)
        return Reply(_json(answer) if answer.status != 204 else None, answer.headers)

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
