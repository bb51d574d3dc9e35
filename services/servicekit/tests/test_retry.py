"""Which calls are repeated once, and which never."""

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest

from servicekit import http_client

Outcome = int | dict[str, str] | Exception


class Upstream(httpx.AsyncBaseTransport):
    """Gives set answers one after another, and counts what is opened and closed."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes: Iterator[Outcome] = iter(outcomes)
        self.calls = 0
        self.states: list[str] = []

    async def __aenter__(self) -> "Upstream":
        self.states.append("opened")
        return self

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        self.calls += 1
        outcome = next(self.outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, dict):
            return httpx.Response(503, headers=outcome)
        return httpx.Response(outcome)

    async def aclose(self) -> None:
        self.states.append("closed")


def ask(upstream: Upstream, method: str = "GET") -> httpx.Response:
    async def call() -> httpx.Response:
        async with http_client.create("http://other", transport=upstream) as client:
            return await client.request(method, "/")

    return asyncio.run(call())


BROKEN = [httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout]


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_over_a_broken_connection_is_asked_once_more(
    fault: Callable[[str], Exception], method: str
) -> None:
    assert ask(Upstream(fault("broken"), 200), method).status_code == 200


def test_a_second_broken_connection_is_the_callers() -> None:
    upstream = Upstream(httpx.ReadError("broken"), httpx.ReadError("again"), 200)

    with pytest.raises(httpx.ReadError, match="again"):
        ask(upstream)
    assert upstream.calls == 2


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_proxys_error_is_asked_once_more(status: int) -> None:
    assert ask(Upstream(status, 200)).status_code == 200


def test_a_second_error_of_a_proxy_is_the_answer() -> None:
    upstream = Upstream(503, 504, 200)

    assert (ask(upstream).status_code, upstream.calls) == (504, 2)


@pytest.mark.parametrize("outcome", [200, 304, 404, 429, 500, {"Retry-After": "1"}])
def test_any_other_answer_is_the_answer(outcome: Outcome) -> None:
    upstream = Upstream(outcome)

    ask(upstream)

    assert upstream.calls == 1


def test_a_write_that_was_sent_is_never_repeated() -> None:
    broken = Upstream(httpx.ReadError("broken"))
    with pytest.raises(httpx.ReadError):
        ask(broken, "POST")

    assert ask(Upstream(503), "POST").status_code == 503


@pytest.mark.parametrize("fault", [httpx.ConnectError, httpx.ConnectTimeout])
def test_a_write_that_was_not_sent_is_sent(fault: Callable[[str], Exception]) -> None:
    assert ask(Upstream(fault("refused"), 201), "POST").status_code == 201


def test_waiting_for_a_free_connection_is_not_repeated() -> None:
    upstream = Upstream(httpx.PoolTimeout("none free"))

    with pytest.raises(httpx.PoolTimeout):
        ask(upstream)
    assert upstream.calls == 1


def test_the_transport_inside_is_opened_and_closed() -> None:
    upstream = Upstream(200)

    ask(upstream)

    assert upstream.states == ["opened", "closed"]
