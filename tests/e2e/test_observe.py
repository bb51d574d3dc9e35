"""`observe`: every query finds something, an alert fires and clears, and nothing of it stays."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.jobs import observers
from tasktracker_cluster.machine import wait
from tasktracker_cluster.monitoring import alerts
from tasktracker_cluster.testing.throwaway import ThrowawayCluster, frozen
from tasktracker_cluster.topology import LOGS, METRICS, OBSERVING_USERS, SERVICES
from tests.infra.reading import ROOT

pytestmark = pytest.mark.drill

LIMIT_SECONDS = 120  # for a machine with every core loaded
FILES = ROOT / "nomad" / "jobs" / "metrics"

# Matchers of what a healthy cluster does not have: the series must exist without them.
OF_FAULTS = re.compile(r',?\s*(status|code)=~?"[^"]*"')
SELECTOR = re.compile(r"\b[a-z]\w*\{[^}]*\}|\{__name__[^}]*\}|\bup\b")


@pytest.fixture(scope="module")
def observed(cluster: ThrowawayCluster) -> Iterator[ThrowawayCluster]:
    """Give the cluster with metrics."""
    cluster.admin("observe")
    yield cluster
    cluster.admin("observe", "--off")


def panels() -> Iterator[str]:
    """Yield the queries of all dashboards."""
    for file in sorted((FILES / "dashboards").glob("*.json")):
        for row in json.loads(file.read_text())["rows"]:
            for panel in row["panels"]:
                yield from panel["expr"]


def rules() -> Iterator[str]:
    """Yield the expressions of all rules."""
    for file in sorted((FILES / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                yield rule["expr"]


def selectors() -> list[str]:
    """Return the series that queries and rules read, without matchers of faults."""
    found = {
        OF_FAULTS.sub("", one).replace("{,", "{").replace("{ ", "{")
        for text in (*panels(), *rules())
        for one in SELECTOR.findall(text)
    }
    return sorted(found)


def answers(cluster: ThrowawayCluster, query: str) -> bool:
    found = cluster.as_operator.metrics.call("GET", "/api/v1/query", query=query)
    return bool(found["data"]["result"])


def test_every_source_answers(observed: ThrowawayCluster) -> None:
    def all_answer() -> bool:
        asked = 'count(up{job=~"service|sidecar"} == 1)'
        found = observed.as_operator.metrics.call("GET", "/api/v1/query", query=asked)
        result = found["data"]["result"]
        # A sidecar for each service and each database.
        return bool(result) and int(result[0]["value"][1]) == 2 * len(SERVICES) + 2

    wait.until("all sources", all_answer, LIMIT_SECONDS)
    wait.until("none silent", lambda: not answers(observed, "up == 0"), LIMIT_SECONDS)


def test_every_query_of_dashboards_and_rules_finds_something(observed: ThrowawayCluster) -> None:
    left = [*panels(), *selectors()]
    user = observed.user("asked")
    with user.http() as client:

        def all_find_something() -> bool:
            for path in ("/api/v1/auth/me", "/api/v1/tasks/", "/api/v1/stats/", "/"):
                client.get(path).raise_for_status()
            left[:] = [query for query in left if not answers(observed, query)]
            return not left

        with suppress(NotReadyError):
            wait.until("an answer to every query", all_find_something, LIMIT_SECONDS)
    assert left == []


def firing(cluster: ThrowawayCluster) -> set[str]:
    return {alert.summary for alert in alerts.firing(cluster.as_operator)}


def test_an_alert_fires_for_a_frozen_service_and_clears(
    observed: ThrowawayCluster, settled: None, capsys: pytest.CaptureFixture[str]
) -> None:
    down = "stats-service has no instance that answers."
    assert down not in firing(observed)
    start = time.monotonic()
    with frozen(observed.service_pid("stats_service")):
        wait.until("the alert", lambda: down in firing(observed), LIMIT_SECONDS)
        fired = time.monotonic() - start
        status = observed.admin("status", "--json", check=False)
        assert status.returncode == 1
        rows = json.loads(status.stdout)
        assert down in [row["health"] for row in rows if row["kind"] == "alert"]
        start = time.monotonic()
    wait.until("its end", lambda: down not in firing(observed), LIMIT_SECONDS)
    cleared = time.monotonic() - start
    with capsys.disabled():
        print(f"\n  fired after {fired:.1f} s, cleared after {cleared:.1f} s")  # noqa: T201


def test_its_tasks_are_users_of_their_own_without_rights(observed: ThrowawayCluster) -> None:
    for task, user in OBSERVING_USERS.items():
        job = LOGS if task in ("victoria-logs", "vlagent") else METRICS
        pid = observed.task_pid(job, task)
        assert Path(f"/proc/{pid}").owner() == user
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        assert fields["NoNewPrivs"] == "1"
        assert int(fields["CapBnd"], 16) == int(fields["CapEff"], 16) == 0


def test_off_leaves_nothing_but_the_data(observed: ThrowawayCluster) -> None:
    observed.admin("observe", "--off")
    assert observers.running(observed.as_operator) == []
    rows = json.loads(observed.admin("status", "--json", check=False).stdout)
    assert "metrics" not in [row["name"] for row in rows]
    assert any(observed.site.volume("metrics").iterdir())
    observed.admin("observe")
