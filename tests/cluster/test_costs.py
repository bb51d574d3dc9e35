"""What synchronous replication and backups cost, with all machines on the same cores: by hand.

    DRILL_ROUNDS=5 .venv/bin/pytest -m drill tests/cluster/test_costs.py

The table at the end has the ratios. Any request that is refused fails the measurement.
"""

import json
from collections.abc import Iterator
from functools import partial

import pytest

from bench import workload
from bench.figure import Measure
from bench.figures.reads import CONNECTIONS
from bench.rounds import Comparison
from bench.wrk import Request, load
from tasktracker_cluster.backups import drill, repository
from tasktracker_cluster.backups import health as health_of_backups
from tasktracker_cluster.jobs import replication
from tasktracker_cluster.machine import wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.topology import DATABASES
from tests.cluster import costs, health
from tests.rounds import ROUNDS, by_hand

DATABASE = "task-db"
CONFIG = f"/v1/kv/service/{DATABASE}/config"
LIMIT_SECONDS = 60
DRILL_SECONDS = 300
# Of the ratios: far below the real ones, because the machine is busy.
LEAST_WRITES, LEAST_READS = 0.2, 0.5
WRITES = "one task created"

pytestmark = pytest.mark.drill


@pytest.fixture
def measures(grown: Laboratory) -> dict[str, Measure]:
    """Measure requests to the gateway of the first machine, from the client."""
    first = grown.machines[0]
    health.settle(grown)
    with first.inside():
        headers = workload.headers(first)
    path = first.gateway_url + workload.TASKS
    create = Request(path, {**headers, "Content-Type": "application/json"}, workload.TASK, "POST")
    with grown.client():
        made = [json.loads(create.check().text)["id"] for _ in range(workload.PAGE + 1)]
    return {
        WRITES: measured(grown, create),
        "one task read (row 1)": measured(grown, Request(f"{path}{made[0]}", headers)),
        "list of 50 (row 2)": measured(grown, Request(path, headers)),
    }


def measured(lab: Laboratory, request: Request) -> Measure:
    def rate(seconds: float) -> float:
        with lab.client():
            request.check()
            return load(request, connections=CONNECTIONS, seconds=seconds).rate

    return rate


def check(found: dict[str, Comparison]) -> None:
    for name, each in found.items():
        assert each.ratio > (LEAST_WRITES if name == WRITES else LEAST_READS), name


@pytest.fixture
def synchronous(grown: Laboratory) -> Iterator[None]:
    """Switch it on after the test, as it was."""
    yield
    set_synchronous(grown, True)


def set_synchronous(lab: Laboratory, is_on: bool) -> None:
    """Let each commit wait for a standby, or not, and wait until it does."""
    first = lab.machines[0]
    with first.inside():
        settings = first.consul.find(CONFIG, raw="")
        first.consul.call("PUT", CONFIG, {**settings, "synchronous_mode": is_on})
        wait.until(f"synchronous replication {is_on}", lambda: waits(lab) == is_on, LIMIT_SECONDS)


def waits(lab: Laboratory) -> bool:
    statement = "SHOW synchronous_standby_names"
    operator = lab.machines[0].as_operator
    return bool(replication.query(operator, DATABASE, statement, LIMIT_SECONDS).strip())


def rests(first: Machine) -> bool:
    """Return whether each log is received, and no base backup and no drill runs or is due."""
    faults = [health_of_backups.of(first.as_operator, each.name).fault for each in DATABASES]
    return not any(faults) and drill.last(first.site) is not None


@by_hand
def test_the_cost_of_synchronous_replication(
    grown: Laboratory, measures: dict[str, Measure], synchronous: None
) -> None:
    def switch(is_on: bool) -> None:
        set_synchronous(grown, is_on)

    check(costs.compare("synchronous replication", switch, measures, ROUNDS))


@by_hand
def test_the_cost_of_backups(grown: Laboratory, measures: dict[str, Measure]) -> None:
    """In the steady state: the log is received, and nothing else of the backups runs."""
    first = grown.machines[0]

    def switch(is_on: bool) -> None:
        if repository.is_on(first.site) == is_on:
            return
        first.admin("backup", "on" if is_on else "off")
        if is_on:
            with first.inside():
                wait.until("backups that only receive", partial(rests, first), DRILL_SECONDS)

    check(costs.compare("backups", switch, measures, ROUNDS))
