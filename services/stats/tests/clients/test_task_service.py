"""A task service that answers, fails, hangs or breaks the connection."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from servicekit.testing.conformance import assert_problem
from servicekit.testing.credentials import bearer
from stats_service.clients.task_service import TaskServiceClient
from stats_service.domain.errors import TaskServiceUnavailableError

Before = Callable[[Callable[[httpx.Request], httpx.Response]], AbstractContextManager[httpx.Client]]
On = Callable[[str], AbstractContextManager[httpx.Client]]

STATS = "/api/v1/stats/"
FIGURES: dict[str, Any] = {
    "total_tasks": 2,
    "completed_tasks": 1,
    "pending_tasks": 1,
    "completion_percentage": 50.0,
    "overdue_tasks": 0,
    "by_status": {"todo": 1, "done": 1},
    "by_priority": {"low": 2},
}


def _assert_unavailable(answer: httpx.Response) -> None:
    assert_problem(answer, 503)
    assert answer.json()["type"] == "/problems/service-unavailable"
    assert answer.headers["retry-after"] == "1"


def test_the_callers_token_and_request_id_are_passed_on(before: Before) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=FIGURES)

    headers = bearer(5) | {"X-Request-ID": "from-the-edge"}
    with before(answer) as client:
        assert client.get(STATS, headers=headers).json() == FIGURES

    [request] = asked
    assert str(request.url) == "http://tasks/api/v1/tasks/stats"
    assert {name: request.headers[name] for name in headers} == headers


def test_a_token_that_the_task_service_refuses_stays_a_401(before: Before) -> None:
    with before(lambda _: httpx.Response(401)) as client:
        answer = client.get(STATS, headers=bearer())

    assert_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("status", [204, 301, 403, 404, 429, 500, 502, 503, 504])
def test_any_other_status_is_no_answer(before: Before, status: int) -> None:
    with before(lambda _: httpx.Response(status, json={"detail": "a secret"})) as client:
        answer = client.get(STATS, headers=bearer())

    _assert_unavailable(answer)
    assert "secret" not in answer.text


IMPOSSIBLE: list[dict[str, Any]] = [
    {"total_tasks": -1},
    {"total_tasks": None},
    {"total_tasks": "many"},
    {"completion_percentage": float("nan")},
    {"completion_percentage": 100.01},
    {"by_status": []},
    {"by_priority": {"low": -1}},
]


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"{}", b"\xff"]
    + [json.dumps(FIGURES | wrong).encode() for wrong in IMPOSSIBLE],
)
def test_figures_that_cannot_be_are_no_answer(before: Before, content: bytes) -> None:
    with before(lambda _: httpx.Response(200, content=content)) as client:
        _assert_unavailable(client.get(STATS, headers=bearer()))


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("late"),
        httpx.ReadTimeout("late"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("not HTTP"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_broken_connection_is_no_answer(before: Before, fault: httpx.HTTPError) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise fault

    with before(answer) as client:
        _assert_unavailable(client.get(STATS, headers=bearer()))


def test_a_connection_that_breaks_once_costs_the_caller_nothing(before: Before) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) == 1:
            raise httpx.ReadError("reset")
        return httpx.Response(200, json=FIGURES)

    with before(answer) as client:
        assert client.get(STATS, headers=bearer()).json() == FIGURES


def test_an_answer_that_never_ends_is_given_up() -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.01)

    async def ask() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=drip()))
        async with httpx.AsyncClient(transport=transport, base_url="http://tasks") as client:
            await TaskServiceClient(client, time_limit=0.2).counts("a token")

    with pytest.raises(TaskServiceUnavailableError):
        asyncio.run(ask())


def test_nobody_listening_is_no_answer(on: On) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with on(f"http://127.0.0.1:{port}") as client:
        _assert_unavailable(client.get(STATS, headers=bearer()))


def test_a_task_service_that_never_answers_is_given_up(on: On) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with on(f"http://127.0.0.1:{silent.getsockname()[1]}") as client:
            _assert_unavailable(client.get(STATS, headers=bearer()))

    assert time.monotonic() - start < 20  # seconds; it would stay silent for ever


def test_the_service_stays_ready_while_the_task_service_is_away(on: On) -> None:
    with on("http://127.0.0.1:1") as client:
        assert client.get("/health").status_code == 200


def test_a_bad_token_does_not_reach_the_task_service(before: Before) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise AssertionError("it was called")

    with before(answer) as client:
        assert_problem(client.get(STATS, headers={"Authorization": "Bearer x"}), 401)
