"""Tests side by side: each worker of pytest-xdist has one lane (`tools/test`).

Tests wait more than they compute, so lanes are faster even on one core. What cannot run beside
itself is in one lane: the tests of a cluster, or of the machine's own network. The order of a lane
is that of a run without workers, every time.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling
    from xdist.workermanage import WorkerController

MACHINES, CLUSTER, SECOND_CLUSTER = "machines", "cluster", "second cluster"
SERVICES, OTHERS = "services and client", "others"

# Drills with a cluster of one machine take most of the time. Those about metrics, logs, traces and
# backups have a second one.
SECOND = ("alerts", "backups", "copies", "log_store", "observe", "traces")


def lane(test: str) -> str:
    """Return the lane of a test, which is its id: `tests/e2e/test_alerts.py::test_...`."""
    folder, _, file = test.partition("::")[0].rpartition("/")
    if folder == "tests/cluster":
        return MACHINES
    if folder.startswith(("services/", "cli/")):
        return SERVICES
    if folder != "tests/e2e":
        return OTHERS
    return SECOND_CLUSTER if file in {f"test_{name}.py" for name in SECOND} else CLUSTER


def pytest_configure(config: pytest.Config) -> None:
    """Give a worker the environment of a run without workers.

    pytest loads readline, which writes the size of a terminal into the workers' environment. A
    program on a terminal of another size would believe it.
    """
    if hasattr(config, "workerinput"):
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(
    config: pytest.Config, log: "Producer"
) -> "LoadScopeScheduling | None":
    """Distribute lanes, if scopes are distributed."""
    if config.getvalue("dist") != "loadscope":
        return None
    # Imported here: a run without workers does not need it.
    from xdist.scheduler import LoadScopeScheduling

    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lane
    return scheduler


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: "WorkerController", ids: Sequence[str]) -> None:
    """Check that no worker gets a second lane: its network is still that of its cluster."""
    workers, lanes = node.workerinput["workercount"], {lane(test) for test in ids}
    if node.config.getvalue("dist") == "loadscope" and workers < len(lanes):
        pytest.exit(f"{len(lanes)} lanes need as many workers, and there are {workers}", 4)
