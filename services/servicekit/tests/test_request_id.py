"""The request id outside and inside a request."""

import httpx
from fastapi import FastAPI

from servicekit import request_id


def test_no_request_has_no_identifier() -> None:
    assert request_id.current() is None


def test_identifier_is_known_while_the_request_is_served(
    app: FastAPI, client: httpx.Client
) -> None:
    @app.get("/which")
    def which() -> str | None:
        return request_id.current()

    answer = client.get("/which", headers={"X-Request-ID": "abc"})
    assert answer.json() == "abc"


def test_two_requests_get_two_identifiers(client: httpx.Client) -> None:
    seen = {client.get("/health/live").headers["x-request-id"] for _ in range(2)}
    assert len(seen) == 2
