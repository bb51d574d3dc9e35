"""A service registers itself in a real Consul."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import structlog
from fastapi import FastAPI, Request
from pydantic import HttpUrl, SecretStr

from servicekit import health, registration
from servicekit.consul import Agent
from servicekit.instance import Instance, Service
from servicekit.registration import Registrar
from servicekit.settings import ServiceSettings
from servicekit.testing.client import running
from servicekit.testing.consul_server import ConsulServer
from servicekit.testing.live_server import serving
from servicekit.testing.waiting import eventually

NOTES = Service("note-service")
TOKEN = "0e3c9d2f-9f0c-4d0e-8a3c-1a2b3c4d5e6f"


@pytest.fixture
def port() -> Iterator[int]:
    """Yield the port of a healthy service."""
    with serving(healthy()) as port:
        yield port


def healthy() -> FastAPI:
    app = FastAPI()
    app.include_router(health.router("note-service", "1", []))
    return app


@contextmanager
def registered(url: HttpUrl, port: int, token: str | None = None) -> Iterator[Registrar]:
    agent = Agent(url, SecretStr(token) if token else None, time_limit=2)
    registrar = Registrar(agent, Instance(NOTES, "127.0.0.1", port))
    registrar.start()
    try:
        yield registrar
    finally:
        registrar.stop()


def test_a_service_is_listed_for_the_gateway_and_becomes_healthy(
    consul: ConsulServer, port: int
) -> None:
    with registered(consul.url, port):
        eventually(lambda: consul.passing("note-service"), 60)

        (entry,) = consul.entries().values()
        assert (entry["Service"], entry["Address"], entry["Port"]) == (
            "note-service",
            "127.0.0.1",
            port,
        )
        assert entry["Tags"] == ["traefik.enable=true"]


def test_a_service_that_ends_is_listed_no_more(consul: ConsulServer, port: int) -> None:
    with registered(consul.url, port):
        eventually(consul.entries, 60)

    assert not consul.entries()


def test_a_service_comes_back_after_its_consul_was_killed_and_forgot_it(
    consul: ConsulServer, port: int
) -> None:
    with registered(consul.url, port):
        eventually(consul.entries, 60)

        consul.kill()
        consul.start()

        eventually(consul.entries, 60)
        eventually(lambda: consul.passing("note-service"), 60)


def test_a_service_that_is_up_before_its_consul_is_registered_later(
    consul: ConsulServer, port: int
) -> None:
    consul.kill()
    with registered(consul.url, port):
        consul.start()

        eventually(consul.entries, 60)


def test_a_service_ends_though_its_consul_is_gone(consul: ConsulServer, port: int) -> None:
    with structlog.testing.capture_logs() as logs, registered(consul.url, port):
        eventually(consul.entries, 60)
        consul.kill()

    assert logs[-1]["event"] == "cannot deregister"


def test_an_outage_is_logged_once(consul: ConsulServer, port: int) -> None:
    consul.kill()
    agent = Agent(consul.url, None, time_limit=2)
    with structlog.testing.capture_logs() as logs:
        registrar = Registrar(agent, Instance(NOTES, "127.0.0.1", port), check_interval=0.01)
        registrar.start()
        eventually(lambda: logs, 60)
        registrar.stop()

    assert [entry["event"] for entry in logs] == ["cannot register", "cannot deregister"]


def test_the_token_is_sent_where_python_consul_forgets_it(
    make_consul: Callable[[str | None], ConsulServer], port: int
) -> None:
    consul = make_consul(TOKEN)
    with registered(consul.url, port, TOKEN):
        eventually(consul.entries, 60)

    assert not consul.entries()  # python-consul by itself is refused here: 403


def test_the_token_is_in_a_header_and_never_in_an_address() -> None:
    seen: list[Request] = []
    app = FastAPI()

    @app.put("/{path:path}")
    def note(request: Request) -> None:
        seen.append(request)

    with serving(app) as port:
        agent = Agent(HttpUrl(f"http://127.0.0.1:{port}"), SecretStr(TOKEN), time_limit=2)
        agent.register(Instance(NOTES, "127.0.0.1", 1))
        agent.close()

    (request,) = seen
    assert request.headers["X-Consul-Token"] == TOKEN
    assert TOKEN not in str(request.url)


def test_a_consul_that_hangs_does_not_hold_the_service(consul: ConsulServer, port: int) -> None:
    agent = Agent(consul.url, None, time_limit=0.2)
    registrar = Registrar(agent, Instance(NOTES, "127.0.0.1", port))
    consul.process.send_signal(signal.SIGSTOP)
    try:
        registrar.start()
        begin = time.monotonic()
        registrar.stop()

        assert time.monotonic() - begin < 20  # seconds; Consul would hang for ever
    finally:
        consul.process.send_signal(signal.SIGCONT)


def test_an_application_is_registered_as_long_as_it_runs(consul: ConsulServer) -> None:
    settings = ServiceSettings(port=8009, consul_url=consul.url)
    app = FastAPI(lifespan=lambda _: registration.registered(NOTES, settings))

    with running(app):
        eventually(lambda: "note-service-8009" in consul.entries(), 60)

    assert not consul.entries()


def test_an_instance_that_leaves_serves_until_its_callers_have_heard(
    consul: ConsulServer, port: int
) -> None:
    with (
        serving(healthy()) as other,
        registered(consul.url, other),
        registered(consul.url, port) as leaving,
    ):
        eventually(lambda: len(consul.passing("note-service")) == 2, 60)
        begin = time.monotonic()
        leaving.leave()

        assert time.monotonic() - begin >= registration.NOTICE
        assert consul.passing("note-service") == {f"note-service-{other}"}


def test_the_only_instance_leaves_without_waiting(consul: ConsulServer, port: int) -> None:
    with registered(consul.url, port) as leaving:
        eventually(lambda: consul.passing("note-service"), 60)

        assert leaving.stop() is False
        assert not consul.entries()


def test_without_a_consul_nothing_of_it_is_even_loaded() -> None:
    program = """
import asyncio, sys
from servicekit import http_client, registration
from servicekit.instance import Service
from servicekit.settings import ServiceSettings

async def main():
    async with registration.registered(Service("a", ()), ServiceSettings(port=1)):
        assert not {"consul", "requests", "servicekit.consul"} & set(sys.modules)

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", program], env={}, check=True)
