"""`observe` stores logs: the same records as in the files, also when these are gone."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tasktracker_cluster.machine import wait
from tasktracker_cluster.records import entries, links, log_files, store
from tasktracker_cluster.records.conditions import Conditions
from tasktracker_cluster.records.record import Record
from tasktracker_cluster.site import LOGS_URL
from tasktracker_cluster.testing.throwaway import ThrowawayCluster, User
from tasktracker_cluster.topology import COLLECTOR_PORT, COLLECTOR_USER, DATABASES

pytestmark = pytest.mark.drill

LIMIT_SECONDS = 180  # for a machine with every core loaded
MARK = "zqy"  # no other text contains it
LAST = "the-last-request"


@pytest.fixture(scope="module")
def marked(cluster: ThrowawayCluster) -> User:
    return cluster.user(f"{MARK}-user")


@pytest.fixture(scope="module")
def stored(cluster: ThrowawayCluster, marked: User) -> Iterator[ThrowawayCluster]:
    """Give the cluster with a store of logs, after requests with marked data are in it."""
    cluster.admin("observe")
    with marked.http() as client:
        client.post("/api/v1/tasks/", json={"title": f"{MARK} title"})
        client.get("/api/v1/tasks/", params={"q": MARK})
        client.get("/api/v1/stats/", headers={"X-Request-ID": LAST})
    wanted = Conditions(request_id=LAST)
    wait.until("its lines", lambda: len(in_store(cluster, wanted)) == 2, LIMIT_SECONDS)
    yield cluster
    cluster.admin("observe", "--off")


def in_store(cluster: ThrowawayCluster, wanted: Conditions) -> list[Record]:
    api = cluster.as_operator.logs
    known = links.named(api, links.origins(links.files(api)))
    return list(entries.search([], wanted, store.search(api, known, wanted)))


def in_files(cluster: ThrowawayCluster, wanted: Conditions) -> list[Record]:
    return list(entries.search(log_files.find(cluster.site), wanted))


@pytest.mark.parametrize(
    "wanted",
    [
        {"request_id": LAST},
        {"status": "2xx", "service": "stats-service"},
        {"level": "info", "service": "stats-service"},
        {"service": "task-db", "task": "postgres"},
    ],
    ids=str,
)
def test_the_store_has_the_same_records_as_the_files(
    stored: ThrowawayCluster, wanted: dict[str, Any]
) -> None:
    compare(stored, Conditions(**wanted))


def test_the_store_has_the_same_records_of_a_user_as_the_files(
    stored: ThrowawayCluster, marked: User
) -> None:
    with marked.http() as client:
        own = client.get("/api/v1/auth/me").json()["id"]
    compare(stored, Conditions(user_id=own))


def compare(stored: ThrowawayCluster, conditions: Conditions) -> None:
    """Wait until the store has the same records as the files, which must have some."""

    def same() -> bool:
        # Nomad deletes the files of the oldest instances when there are more than fifty.
        there = {log.origin.instance for log in log_files.find(stored.site)}
        found = [each for each in in_store(stored, conditions) if each.origin.instance in there]
        return told(found) == told(in_files(stored, conditions))

    wait.until("the same records", same, LIMIT_SECONDS)
    assert in_files(stored, conditions)


def told(records: Sequence[Record]) -> list[tuple[object, ...]]:
    """Return what records say, in an order of its own.

    Most of what a database's tools print does not say when: the store has the time when it was
    read, and the files that of the record before it.
    """
    timeless = {each.name for each in DATABASES}
    return sorted(
        (
            *each.order[1:],
            "" if each.origin.service in timeless else each.time.isoformat(),
            each.level,
            each.event,
            sorted(each.fields.items()),
        )
        for each in records
    )


def test_the_lines_of_a_service_name_it(stored: ThrowawayCluster) -> None:
    api = stored.as_operator.logs
    nameless = {
        link: replace(origin, service=origin.instance)
        for link, origin in links.origins(links.files(api)).items()
        if origin.service == "stats-service"
    }
    assert {each.service for each in links.named(api, nameless).values()} == {"stats-service"}


def test_the_last_records_are_those_of_the_whole_search(stored: ThrowawayCluster) -> None:
    api, wanted = stored.as_operator.logs, Conditions(service="stats-service", task="app")
    known = links.origins(links.files(api))
    last = list(entries.search([], wanted, store.search(api, known, wanted, lines=1)))
    assert last
    assert set(map(str, last)) <= set(map(str, in_store(stored, wanted)))


def test_a_line_is_found_among_thousands_of_logs(stored: ThrowawayCluster) -> None:
    api, wanted = stored.as_operator.logs, Conditions(request_id=LAST)
    others = {Path("/", f"{uuid4()}.app.stdout.0") for _ in range(3000)}
    known = links.named(api, links.origins(others.union(links.files(api))))
    found = list(entries.search([], wanted, store.search(api, known, wanted)))
    assert list(map(str, found)) == list(map(str, in_store(stored, wanted)))
    assert len(found) == 2


def test_the_store_has_no_data_that_a_database_must_protect(stored: ThrowawayCluster) -> None:
    asked = {"query": f'*:~"{MARK}" | count() as found', "start": "0"}
    answer = stored.as_operator.logs.http.get("/select/logsql/query", params=asked)
    assert json.loads(answer.text)["found"] == "0"


def test_nobody_reads_the_store_without_its_password(stored: ThrowawayCluster) -> None:
    for path in ("/select/logsql/query?query=*", "/select/vmui/", "/insert/jsonline"):
        for url in (LOGS_URL, f"http://127.0.0.1:{COLLECTOR_PORT}"):
            assert httpx.get(f"{url}{path}", trust_env=False, timeout=60).status_code == 401


def test_the_collector_reads_logs_and_nothing_beside_them(stored: ThrowawayCluster) -> None:
    def readable(path: str) -> bool:
        command = ["runuser", "-u", COLLECTOR_USER, "--", "ls", path]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert readable(str(stored.site.log_links))
    for closed in ("nomad", "nomad/alloc", "logs", "secrets", "volumes/logs"):
        assert not readable(f"{stored.home}/{closed}"), closed


def test_a_request_is_found_when_the_instance_and_its_files_are_gone(
    stored: ThrowawayCluster, settled: None
) -> None:
    old = stored.allocation("stats-service")["ID"]
    stored.nomad.call("PUT", f"/v1/allocation/{old}/stop")
    wait.until("another instance", lambda: old not in stored.running(), LIMIT_SECONDS)
    folder = stored.home / "nomad" / "alloc" / old
    stored.nomad.call("PUT", f"/v1/client/allocation/{old}/gc")
    wait.until("the end of its files", lambda: not folder.exists(), LIMIT_SECONDS)
    printed = stored.admin("logs", "--request-id", LAST, "--json").stdout
    found = [json.loads(line) for line in printed.splitlines()]
    assert [each["service"] for each in found] == ["task-service", "stats-service"]
    assert found[1]["instance"] == old[:8]
