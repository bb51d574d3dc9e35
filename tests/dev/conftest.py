"""`./just dev` in a network of its own, mostly as a user other than root."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from rich.console import Console

from tasktracker_cluster.machine import tools
from tasktracker_cluster.progress import Step
from tasktracker_cluster.testing.namespaces import network_namespace
from tests.dev.session import CHECKOUT, Session

LIMIT_SECONDS = 3600  # building Consul takes minutes, once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LIMIT_SECONDS))


@pytest.fixture(scope="session")
def consul() -> Iterator[Path]:
    """Give a copy of Consul that every account can run."""
    found = tools.find(CHECKOUT, tools.CONSUL, Step("Consul", Console(stderr=True), status=None))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(shutil.copy(found, Path(folder) / "consul"))


# The scope is not the package: without an __init__.py that lasts until the end of all tests, and
# the cluster's tests, which come later, need the machine's own network.
@pytest.fixture(scope="module")
def network() -> Iterator[None]:
    assert os.geteuid() == 0, "a network of its own needs root"
    with network_namespace():
        yield


@pytest.fixture
def make_session(network: None, consul: Path) -> Iterator[Callable[[str], Session]]:
    """Give a function that makes a session of an account, not started. Stop them at the end."""
    with ExitStack() as stack:
        yield lambda user: _session(stack, user, consul)


@pytest.fixture(scope="module")
def session(network: None, consul: Path) -> Iterator[Session]:
    """Give a running session of an account other than root."""
    with ExitStack() as stack:
        session = _session(stack, "nobody", consul)
        session.start()
        yield session


def _session(stack: ExitStack, user: str, consul: Path) -> Session:
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dev-", dir="/tmp")))
    home.chmod(0o755)
    shutil.chown(home, user)
    session = Session(home, user, consul)
    stack.callback(session.end)
    return session
