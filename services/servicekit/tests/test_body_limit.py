"""Bodies over the limit, declared or streamed."""

import http.client
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from servicekit.body_limit import DEFAULT_LIMIT
from servicekit.testing.conformance import assert_problem
from servicekit.testing.live_server import serving


@pytest.fixture(autouse=True)
def takes_anything(app: FastAPI) -> None:
    @app.post("/length")
    def length(body: str) -> int:
        return len(body)


def streamed(size: int) -> Iterator[bytes]:
    yield b'"'
    yield b"x" * (size - 2)
    yield b'"'


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("announced", [True, False])
def test_body_at_the_limit_passes(client: httpx.Client, app: FastAPI, announced: bool) -> None:
    @app.post("/size")
    async def size(body: list[int]) -> int:
        return len(body)

    content = b"[" + b" " * (DEFAULT_LIMIT - 2) + b"]"
    sent = content if announced else iter([content])
    assert client.post("/size", content=sent, headers=JSON).json() == 0


@pytest.mark.parametrize("announced", [True, False])
def test_body_over_the_limit_is_413(client: httpx.Client, announced: bool) -> None:
    content = b"".join(streamed(DEFAULT_LIMIT + 1))
    answer = client.post("/notes/", content=content if announced else iter([content]), headers=JSON)
    assert_problem(answer, 413)
    assert answer.json()["type"] == "/problems/content-too-large"


@pytest.mark.parametrize("length", ["9" * 30, "9" * 5000])
def test_absurd_announced_length_is_413(client: httpx.Client, length: str) -> None:
    headers = {**JSON, "Content-Length": length}
    assert_problem(client.post("/notes/", content=b"{}", headers=headers), 413)


def test_connection_survives_a_refused_body(app: FastAPI) -> None:
    with serving(app) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.connect()
        connection.auto_open = 0
        for _ in range(2):
            connection.request("POST", "/notes/", body=b"x" * (DEFAULT_LIMIT + 1), headers=JSON)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 413
        connection.close()
