"""A real one-node cluster in a network namespace of its own, for all tests in this folder.

The test process itself moves into the namespace: `localhost:8000` is the test cluster's gateway
here. The state is in a folder of its own. A cluster of the machine itself is not visible from it
and not changed.
"""

import shutil
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tasktracker_cluster.machine import shell
from tasktracker_cluster.testing import throwaway
from tasktracker_cluster.testing.throwaway import ThrowawayCluster
from tests.lanes import lane

LIMIT_SECONDS = 3600  # building all programs takes twenty minutes, once, and more in a lane

ITEM = pytest.StashKey[pytest.Item]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LIMIT_SECONDS))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.session.stash[ITEM] = item


def of_this_process(session: pytest.Session) -> list[pytest.Item]:
    """Return the tests that this process runs: of a worker, those of its lane."""
    if not hasattr(session.config, "workerinput"):
        return session.items
    own = lane(session.stash[ITEM].nodeid)
    return [item for item in session.items if lane(item.nodeid) == own]


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[ThrowawayCluster]:
    """Give the running cluster. At the end its processes are stopped and its files deleted.

    It runs until the end of all tests: the tests of this folder are the last (`tools/test`).
    """
    # The program for traces takes ten minutes to build: only for the tests that use it.
    ours = of_this_process(request.session)
    traces = any("traced" in getattr(each, "fixturenames", ()) for each in ours)
    with throwaway.installed(traces=traces) as cluster:
        cluster.admin("up")
        yield cluster


@pytest.fixture(scope="module")
def observed(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Give the cluster with metrics, alerts and a store of logs, for the tests of one file."""
    cluster.admin("observe")
    yield cluster
    cluster.admin("observe", "--off")


@pytest.fixture
def settled(cluster: ThrowawayCluster) -> Iterator[None]:
    """For a test that breaks something: nothing is broken before it, and nothing after it.

    Without it, what is left of one fault on a busy machine looks like a consequence of the next.
    """
    cluster.settle()
    yield
    cluster.settle()


@pytest.fixture
def other(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Give a second state folder, which does not exist yet."""
    other = replace(cluster, home=cluster.home.parent / "other")
    yield other
    shutil.rmtree(other.home, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the logs of agents and jobs with a failure."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and isinstance(cluster, ThrowawayCluster):
        for agent in ("consul", "nomad"):
            log = "\n".join(shell.tail(cluster.site.logs / f"{agent}.log", 40))
            report.sections.append((f"{agent}.log", log))
        report.sections.append(("status", cluster.admin("status", check=False).stdout))
        report.sections.append(("jobs", "\n".join(cluster.evidence())))
    return report
