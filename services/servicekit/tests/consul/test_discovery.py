"""A service finds the healthy instances of another in a real Consul."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import anyio.from_thread
import httpx
import pytest
import structlog
from fastapi import FastAPI, Response
from pydantic import HttpUrl

from servicekit import http_client
from servicekit.consul import Agent
from servicekit.discovery import Watch
from servicekit.instance import Instance, Service
from servicekit.settings import ConsulSettings
from servicekit.testing.consul_server import ConsulServer
from servicekit.testing.live_server import serving
from servicekit.testing.waiting import eventually

NOTES = Service("note-service", ())
LEAST = 20  # requests that a test sends to see who answers


class Notes:
    """An instance that answers with its port, and whose health a test can set."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.healthy = True
        self.port = 0
        self.app.get("/health")(self.health)
        self.app.get("/who")(lambda: self.port)

    def health(self, response: Response) -> None:
        response.status_code = 200 if self.healthy else 503


Ask = Callable[[], int]


@pytest.fixture
def start(consul: ConsulServer) -> Callable[[], AbstractContextManager[Notes]]:
    """Return a function that starts and registers an instance, and waits until it is healthy."""

    @contextmanager
    def start() -> Iterator[Notes]:
        notes = Notes()
        with serving(notes.app) as notes.port:
            agent = Agent(consul.url, None, time_limit=2)
            instance = Instance(NOTES, "127.0.0.1", notes.port)
            agent.register(instance)
            agent.close()
            eventually(lambda: instance.id in consul.passing("note-service"), 60)
            yield notes

    return start


@pytest.fixture
def ask(consul: ConsulServer) -> Iterator[Ask]:
    """Return a function that asks the service, found through Consul, which instance answers."""
    with client(ConsulSettings(consul_url=consul.url)) as get:
        yield lambda: int(get("/who").text)


@contextmanager
def client(
    settings: ConsulSettings, url: HttpUrl | None = None
) -> Iterator[Callable[[str], httpx.Response]]:
    """Yield a function that calls through the asynchronous client from this thread."""
    with anyio.from_thread.start_blocking_portal() as portal:
        notes = http_client.for_service("note-service", url, settings, timeout=2)
        with portal.wrap_async_context_manager(notes):
            yield lambda path: portal.call(notes.get, path)


def answering(ask: Ask) -> Counter[int]:
    return Counter(ask() for _ in range(LEAST))


def test_healthy_instances_answer_in_turn(
    start: Callable[[], AbstractContextManager[Notes]], ask: Ask
) -> None:
    with start() as one, start() as other:
        eventually(lambda: len(answering(ask)) == 2, 60)

        assert answering(ask) == {one.port: LEAST / 2, other.port: LEAST / 2}


def test_a_failing_instance_is_left_out_and_comes_back(
    start: Callable[[], AbstractContextManager[Notes]], ask: Ask
) -> None:
    with start() as one, start() as other:
        eventually(lambda: len(answering(ask)) == 2, 60)

        other.healthy = False
        eventually(lambda: set(answering(ask)) == {one.port}, 60)

        other.healthy = True
        eventually(lambda: len(answering(ask)) == 2, 60)


def test_no_request_fails_when_one_of_two_instances_is_gone(
    start: Callable[[], AbstractContextManager[Notes]], ask: Ask
) -> None:
    with start() as one:
        with start():
            eventually(lambda: len(answering(ask)) == 2, 60)

        # At once, long before Consul notices.
        assert answering(ask) == {one.port: LEAST}


def test_no_request_fails_while_consul_is_killed_and_forgets(
    start: Callable[[], AbstractContextManager[Notes]], ask: Ask, consul: ConsulServer
) -> None:
    with start() as one:
        eventually(lambda: _succeeds(ask), 60)

        consul.kill()
        assert answering(ask) == {one.port: LEAST}
        consul.start()
        assert answering(ask) == {one.port: LEAST}


def test_an_instance_that_starts_after_consul_was_killed_is_found(
    start: Callable[[], AbstractContextManager[Notes]], ask: Ask, consul: ConsulServer
) -> None:
    with ExitStack() as stack:
        stack.enter_context(start())
        eventually(lambda: _succeeds(ask), 60)
        consul.kill()
        consul.start()

        second = stack.enter_context(start())

        eventually(lambda: second.port in answering(ask), 60)


class UnreachableAgent:
    """Counts how often it is asked for instances, and never answers."""

    asked = 0

    def healthy(self, *_: object, **__: object) -> None:
        self.asked += 1
        raise ConnectionError

    def close(self) -> None: ...


def test_an_outage_of_consul_is_logged_once() -> None:
    agent = UnreachableAgent()
    watch = Watch(agent, "lost-service")  # type: ignore[arg-type]  # all that a watch calls
    with structlog.testing.capture_logs() as logs:
        watch.start()
        eventually(lambda: agent.asked >= 3, 60)
        watch.stop()

    # The watch of another test may still wait for its last answer, and log, too.
    seen = [entry["event"] for entry in logs if entry.get("service") == "lost-service"]
    assert seen == ["cannot ask Consul"]


def test_without_a_healthy_instance_the_connection_fails_and_says_why(ask: Ask) -> None:
    with pytest.raises(httpx.ConnectError, match="no healthy instance of note-service"):
        ask()


def test_an_explicit_address_wins(
    start: Callable[[], AbstractContextManager[Notes]], consul: ConsulServer
) -> None:
    explicit = Notes()
    with start(), serving(explicit.app) as explicit.port:
        url = HttpUrl(f"http://127.0.0.1:{explicit.port}")
        with client(ConsulSettings(consul_url=consul.url), url) as get:
            answers = {int(get("/who").text) for _ in range(LEAST)}

    assert answers == {explicit.port}


def _succeeds(ask: Ask) -> bool:
    try:
        return bool(ask())
    except httpx.ConnectError:
        return False
