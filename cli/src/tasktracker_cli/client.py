"""The one client of the gateway's HTTP API: calls in, JSON out, refusals as exceptions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from tasktracker_cli.config import Gateway
from tasktracker_cli.credentials import Login
from tasktracker_cli.errors import NotLoggedInError, UnavailableError
from tasktracker_cli.problems import nonsense, refusal

PAGE = 200  # the API's largest page


class Client:
    """Calls one gateway, with the token that this gateway issued or with none.

    Every call returns the answer's JSON as it came, and raises the errors of `errors.py`.
    """

    def __init__(self, gateway: Gateway, login: Login | None, timeout: float) -> None:
        self._origin = gateway.origin
        self._login = login
        self._timeout = timeout
        self._http = httpx.Client(
            base_url=f"{gateway.origin}/api/v1",
            headers={"Authorization": f"Bearer {login.access_token}"} if login else None,
            timeout=timeout,
            # A redirect could lead the token or a password to another origin.
            follow_redirects=False,
            # What runs on this machine is not reached through the network's proxy.
            trust_env=not gateway.is_loopback,
        )

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
        query = httpx.QueryParams(filters).set("limit", min(limit, PAGE))
        tasks: list[Any] = []
        while True:
            answer = self._send("GET", f"/tasks/?{query}")
            page = _json(answer)
            if not (isinstance(page, list) and all(isinstance(task, dict) for task in page)):
                raise nonsense("a list of tasks was expected")
            tasks += page
            following = answer.links.get("next", {}).get("url") if page else None
            if following is None or len(tasks) >= limit:
                return tasks[:limit], following is not None or len(tasks) > limit
            # Only the query is taken: a link cannot lead the token anywhere else.
            query = httpx.URL(following).params.set("limit", min(limit - len(tasks), PAGE))

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
    ) -> httpx.Response:
        sent = dict(headers or {})
        content = None
        if body is not None:
            # Unlike httpx, json.dumps escapes a lone surrogate, so that the server can refuse it.
            content = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        response = self._exchange(method, path, content, sent)
        if response.is_success:
            return response
        if response.is_redirect:
            raise nonsense("it redirects, which is not followed")
        if response.status_code == 401 and self._login:
            raise self._expired(self._login)
        raise refusal(response, hints or {})

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        try:
            return self._http.request(method, path, content=content, headers=headers)
        except httpx.TimeoutException:
            raise UnavailableError(
                f"The gateway at {self._origin} did not answer within {self._timeout:g} s.",
                "Try again in a moment; TASKTRACKER_TIMEOUT sets how long to wait.",
            ) from None
        except httpx.ConnectError as error:
            raise UnavailableError(
                f"The gateway at {self._origin} cannot be reached: {error}.",
                "Start it with ./just up, or give another address with --url or TASKTRACKER_URL.",
            ) from None
        except httpx.HTTPError as error:
            raise UnavailableError(
                f"The gateway at {self._origin} broke off: {error}.", "Try again in a moment."
            ) from None

    def _expired(self, login: Login) -> NotLoggedInError:
        return NotLoggedInError(
            f"Your login at {self._origin} has expired or is no longer valid.",
            f"Log in again with: tasktracker-cli login --username {login.username}",
        )


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise nonsense("its answer is not JSON") from None
