"""The client of the gateway's HTTP API: it returns JSON and raises refusals as exceptions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tasktracker_cli import __version__
from tasktracker_cli.gateway.access import Access
from tasktracker_cli.gateway.problems import bad_answer, json_of, refusal
from tasktracker_cli.gateway.tasks import Reply
from tasktracker_cli.gateway.transport import Answer, Transport

BASE = "/api/v1"


class Client:
    """Calls one gateway, with the tokens that `access` gives or with none.

    Every call returns the answer's JSON as it came, and raises the errors of `errors.py`.
    `waiting` surrounds each request.
    """

    def __init__(
        self,
        transport: Transport,
        access: Access | None,
        waiting: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self._transport = transport
        self._access = access
        self._waiting = waiting

    def register(self, account: Mapping[str, str]) -> Any:
        hints = {409: "Choose another, or log in with: tasktracker-cli login --username NAME"}
        return json_of(self._send("POST", "/auth/register", account, hints=hints))

    def log_in(self, username: str, password: str) -> Any:
        body = {"username": username, "password": password}
        hints = {401: "Try again, or make an account with: tasktracker-cli register"}
        # In a list of sessions, the user recognises this one by it.
        headers = {"User-Agent": f"tasktracker-cli/{__version__} ({os.uname().sysname})"}
        return json_of(self._send("POST", "/auth/login", body, headers=headers, hints=hints))

    def refresh(self, token: str) -> Any:
        """Exchange a refresh token for new tokens."""
        return json_of(self._send("POST", "/auth/refresh", {"refresh_token": token}))

    def log_out(self, token: str) -> None:
        """End the session of a refresh token."""
        self._send("POST", "/auth/logout", {"refresh_token": token})

    def me(self) -> Any:
        return json_of(self._send("GET", "/auth/me"))

    def update_me(self, changes: Mapping[str, Any]) -> Any:
        hints = {403: "Nothing was changed: try again."}
        return json_of(self._send("PATCH", "/auth/me", changes, hints=hints))

    def change_password(self, current: str, new: str) -> None:
        """Change the password; every session ends but the one of this client's login."""
        keep = self._access.refresh_token() if self._access else None
        body = {"current_password": current, "new_password": new, "refresh_token": keep}
        hints = {403: "Nothing was changed: try again."}
        self._send("POST", "/auth/me/password", body, hints=hints)

    def sessions(self) -> Any:
        """Return the user's sessions."""
        found = json_of(self._send("GET", "/auth/sessions"))
        if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
            raise bad_answer("a list of sessions was expected")
        return found

    def end_session(self, session_id: str) -> None:
        hints = {404: "See what there is with: tasktracker-cli account sessions list"}
        self._send("DELETE", f"/auth/sessions/{session_id}", hints=hints)

    def end_other_sessions(self) -> None:
        self._send("DELETE", "/auth/sessions")

    def create_token(self, draft: Mapping[str, Any]) -> Any:
        hints = {403: "Nothing was made: try again.", 409: "See: tasktracker-cli token list"}
        return json_of(self._send("POST", "/auth/tokens", draft, hints=hints))

    def tokens(self) -> Any:
        """Return the user's personal access tokens."""
        found = json_of(self._send("GET", "/auth/tokens"))
        if not (isinstance(found, list) and all(isinstance(each, dict) for each in found)):
            raise bad_answer("a list of tokens was expected")
        return found

    def revoke_token(self, token_id: str) -> None:
        hints = {404: "See what there is with: tasktracker-cli token list"}
        self._send("DELETE", f"/auth/tokens/{token_id}", hints=hints)

    def stats(self) -> Any:
        return json_of(self._send("GET", "/stats/"))

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
        return Reply(json_of(answer) if answer.status != 204 else None, answer.headers)

    def exchange(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send any request to any path of the gateway; return its answer with any status.

        Raises NotLoggedInError when the login is over.
        """
        return self._exchange(method, path, content, headers)

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
        answer = self._exchange(method, f"{BASE}{path}", content, sent)
        if answer.is_success:
            return answer
        if answer.status < 400:
            raise bad_answer("it redirects, which is not followed")
        raise refusal(answer, hints or {})

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Exchange a request for an answer; with another token if the first is refused."""
        access = self._access
        if access is None:
            return self._carry(method, path, content, headers)
        answer = self._carry(method, path, content, headers, access.token())
        if answer.status == 401:
            access.renew()
            answer = self._carry(method, path, content, headers, access.token())
        if answer.status == 401:
            raise access.refused()
        return answer

    def _carry(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str],
        token: str | None = None,
    ) -> Answer:
        sent = {**headers, "Authorization": f"Bearer {token}"} if token else headers
        with self._waiting():
            return self._transport.request(method, path, content, sent)
