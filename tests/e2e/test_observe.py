"""`observe`: every query finds something, an alert is in the status, and nothing of it stays."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest
import yaml
from playwright.sync_api import expect

from tasktracker_cluster.agents import backups_program
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.jobs import observers, postgres
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.monitoring import alerts
from tasktracker_cluster.site import CONSUL_PAGE, GATEWAY_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster, frozen
from tasktracker_cluster.topology import (
    DATABASES,
    EXPORTER,
    EXPORTER_USERS,
    LOGS,
    METRICS,
    METRICS_PORT,
    OBSERVING_USERS,
    SERVICES,
)
from tasktracker_cluster.urls import observing_pages
from tests.e2e.browser import LIMIT_MS, chromium
from tests.e2e.test_pages import ask
from tests.figures import Say
from tests.infra.reading import ROOT

pytestmark = pytest.mark.drill

LIMIT_SECONDS = 180  # for a machine with every core loaded
FILES = ROOT / "nomad" / "jobs" / "metrics"
OF_TASKS = 'consul_source_service="task-service",envoy_http_conn_manager_prefix="public_listener"'
EXPORTER_TASKS = ("exporter", f"connect-proxy-{EXPORTER}")

# Matchers of what a healthy cluster does not have: the series must exist without them.
OF_FAULTS = re.compile(r',?\s*(status|code)=~?"[^"]*"')
SELECTOR = re.compile(r"\b[a-z]\w*\{[^}]*\}|\{__name__[^}]*\}|\bup\b")


def listed() -> set[str]:
    """Return the addresses of pages that the portal's front page has."""
    return set(httpx.get(GATEWAY_URL, timeout=LIMIT_SECONDS).json()["observing"].values())


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


@pytest.fixture
def slots(observed: ThrowawayCluster) -> Iterator[None]:
    """Let both databases keep their log for somebody, as for backups and standbys."""
    for each in DATABASES:
        sql(observed, each.name, "SELECT pg_create_physical_replication_slot('drill', true)")
    yield
    for each in DATABASES:
        sql(observed, each.name, "SELECT pg_drop_replication_slot('drill')")


@pytest.fixture
def tell_ages(observed: ThrowawayCluster, tmp_path: Path) -> Callable[[], object]:
    """Return a function that tells the store how old backups are that are kept and copied."""
    for name in ("barman.conf", "copies.json"):
        (tmp_path / name).touch()
    script = Path(backups_program.__file__).with_name("backup_figures.sh")
    return partial(shell.run, ["/bin/bash", script, tmp_path, str(METRICS_PORT)])


def sql(cluster: ThrowawayCluster, database: str, statement: str) -> str:
    return shell.run(postgres.query(cluster.site, database, statement)).strip()


def test_every_source_answers(observed: ThrowawayCluster) -> None:
    def all_answer() -> bool:
        asked = 'count(up{job=~"service|sidecar|postgres"} == 1)'
        found = observed.as_operator.metrics.call("GET", "/api/v1/query", query=asked)
        result = found["data"]["result"]
        # A sidecar for each service and each database, and the exporter with its own.
        return bool(result) and int(result[0]["value"][1]) == 2 * len(SERVICES) + 2 + 2

    wait.until("all sources", all_answer, LIMIT_SECONDS)
    wait.until("none silent", lambda: not answers(observed, "up == 0"), LIMIT_SECONDS)


def test_the_front_page_and_the_status_list_the_pages(observed: ThrowawayCluster) -> None:
    pages = {page.page for page in observing_pages((METRICS, LOGS))}
    wait.until("the pages", lambda: listed() == pages, LIMIT_SECONDS)
    said = observed.admin("status", check=False).stderr
    assert {page for page in pages if page in said} == pages


def test_every_query_of_dashboards_and_rules_finds_something(
    observed: ThrowawayCluster, slots: None, tell_ages: Callable[[], object]
) -> None:
    left = [*panels(), *selectors()]
    user = observed.user("asked")
    with user.http() as client:

        def all_find_something() -> bool:
            tell_ages()
            for path in ("/api/v1/auth/me", "/api/v1/tasks/", "/api/v1/stats/", "/"):
                client.get(path).raise_for_status()
            left[:] = [query for query in left if not answers(observed, query)]
            return not left

        with suppress(NotReadyError):
            wait.until("an answer to every query", all_find_something, LIMIT_SECONDS)
    assert left == []


def firing(cluster: ThrowawayCluster) -> set[str]:
    return {alert.summary for alert in alerts.firing(cluster.as_operator)}


def said_of(cluster: ThrowawayCluster, summary: str, since: datetime) -> list[tuple[str, str]]:
    """Return the level and the event of each later line about an alert."""
    found = cluster.admin("logs", "metrics", "--since", "10m", "--json").stdout.splitlines()
    return [
        (record["level"], record["event"])
        for record in map(json.loads, found)
        if record.get("summary") == summary and datetime.fromisoformat(record["time"]) >= since
    ]


def test_an_alert_fires_for_a_frozen_service_and_clears(
    observed: ThrowawayCluster, settled: None, say: Say
) -> None:
    down = "stats-service has no instance that answers."
    # It may fire since an earlier test, or since the store began, and did not know the service yet.
    wait.until("silence", lambda: down not in firing(observed), LIMIT_SECONDS)
    begin = datetime.now(UTC)
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
    # The end of one before is written ten seconds late.
    both = [("error", "alert fires"), ("info", "alert ends")]
    wait.until("both lines", lambda: said_of(observed, down, begin)[-2:] == both, LIMIT_SECONDS)
    say(f"fired after {fired:.1f} s, cleared after {cleared:.1f} s")


def test_a_database_that_does_not_answer_is_missing_and_the_other_one_is_not(
    observed: ThrowawayCluster, settled: None
) -> None:
    def seen() -> set[str]:
        asked = 'pg_static{job="postgres"}'
        found = observed.as_operator.metrics.call("GET", "/api/v1/query", query=asked)
        return {each["metric"]["service"] for each in found["data"]["result"]}

    both = {each.name for each in DATABASES}
    wait.until("both databases", lambda: seen() == both, LIMIT_SECONDS)
    exporter = observed.task_pid(EXPORTER, "exporter")
    job = observed.nomad.call("GET", "/v1/job/task-db")
    observed.nomad.call("DELETE", "/v1/job/task-db")
    try:
        wait.until("one database", lambda: seen() == {"user-db"}, LIMIT_SECONDS)
    finally:
        observed.nomad.call("POST", "/v1/jobs", {"Job": {**job, "Stop": False}})
    wait.until("both again", lambda: seen() == both, LIMIT_SECONDS)
    assert observed.task_pid(EXPORTER, "exporter") == exporter


def test_its_tasks_are_users_of_their_own_without_rights(observed: ThrowawayCluster) -> None:
    jobs = dict.fromkeys(("victoria-logs", "vlagent"), LOGS)
    jobs |= dict.fromkeys(EXPORTER_TASKS, EXPORTER)
    of_exporter = dict(zip(EXPORTER_TASKS, EXPORTER_USERS, strict=True))
    for task, user in (OBSERVING_USERS | of_exporter).items():
        pid = observed.task_pid(jobs.get(task, METRICS), task)
        assert Path(f"/proc/{pid}").owner() == user
        status = Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        assert fields["NoNewPrivs"] == "1"
        assert int(fields["CapBnd"], 16) == int(fields["CapEff"], 16) == 0


def test_consuls_page_shows_figures_of_the_mesh(observed: ThrowawayCluster) -> None:
    user = observed.user("looked")
    with user.http() as client, chromium() as browser:

        def asks() -> bool:
            return bool(client.get("/api/v1/stats/").is_success) and answers(
                observed, f"rate(envoy_http_downstream_rq_completed{{{OF_TASKS}}}[15m]) > 0"
            )

        wait.until("requests in the metrics", asks, LIMIT_SECONDS)
        page = browser.new_page()
        page.set_default_timeout(LIMIT_MS)
        page.goto(f"{CONSUL_PAGE}/ui/dc1/services/task-service/topology")
        # Requests a second that it sends to the user service.
        card = page.locator("a#user-service")
        expect(card).to_contain_text(re.compile(r"\d\s+RPS"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "api/v1/query?query=up", 200),
        ("GET", "api/v1/query_range?query=up", 200),
        ("POST", "api/v1/query?query=up", 405),
        ("GET", "api/v1/export?match[]=up", 403),
        ("GET", "api/v1/query/../export?match[]=up", 403),
        ("GET", "api/v1/query/%2e%2e/export?match[]=up", 403),
        ("GET", "api/v1/admin/tsdb/delete_series?match[]=up", 403),
        ("GET", "api/v1/import/csv?format=1:metric:x", 403),
        ("GET", "metrics", 403),
        ("GET", "", 403),
    ],
)
def test_consuls_page_passes_on_two_calls_only(
    observed: ThrowawayCluster, method: str, path: str, status: int
) -> None:
    assert ask(CONSUL_PAGE, f"/v1/internal/ui/metrics-proxy/{path}", method) == status


def test_off_leaves_nothing_but_the_data(observed: ThrowawayCluster) -> None:
    observed.admin("observe", "--off")
    assert ask(CONSUL_PAGE, "/v1/internal/ui/metrics-proxy/api/v1/query?query=up") == 404
    assert observers.running(observed.as_operator) == []
    rows = json.loads(observed.admin("status", "--json", check=False).stdout)
    assert "metrics" not in [row["name"] for row in rows]
    wait.until("no pages", lambda: not listed(), LIMIT_SECONDS)
    assert any(observed.site.volume("metrics").iterdir())
    observed.admin("observe")
