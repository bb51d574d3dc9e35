"""Services beside a real Consul agent."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from servicekit.testing.consul_server import ConsulServer
from tasktracker_cluster.machine import tools
from tasktracker_cluster.progress import Step

CHECKOUT = Path(__file__).parents[4]
BUILD_LIMIT = 3600  # seconds: on a new machine the first test waits for Go to build Consul

MakeConsul = Callable[[str | None], ConsulServer]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(BUILD_LIMIT))


@pytest.fixture(scope="session")
def program() -> Path:
    return tools.find(CHECKOUT, tools.CONSUL, Step("Consul", Console(stderr=True), status=None))


@pytest.fixture
def make_consul(program: Path, tmp_path: Path) -> Iterator[MakeConsul]:
    """Return a function that starts an agent. Its argument, if any, is the first token."""
    made = []

    def make(token: str | None) -> ConsulServer:
        server = ConsulServer(program, tmp_path, token)
        made.append(server)
        server.start()
        return server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def consul(make_consul: MakeConsul) -> ConsulServer:
    return make_consul(None)
