"""The store of metrics, run as its job runs it: without its key, series are only read and added."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from tasktracker_cluster.machine import tools, wait
from tasktracker_cluster.progress import Step
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import METRICS
from tests.infra.conftest import START_LIMIT, own_address
from tests.infra.reading import ROOT, read_job, tasks, wall

KEY = "the-key"

# Every call that neither reads nor adds series.
CHANGES = (
    "/api/v1/admin/tsdb/delete_series?match[]=up",
    "/tags/delSeries?path=up",
    "/snapshot/create",
    "/snapshot/list",
    "/snapshot/delete_all",
    "/internal/force_merge",
    "/internal/force_flush",
    "/internal/log_new_series",
    "/internal/resetRollupResultCache",
    "/api/v1/admin/status/metric_names_stats/reset",
    "/-/reload",
    "/debug/pprof/heap",
)


@pytest.fixture(scope="module")
def store(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run the program with the job's keys, and give a client."""
    task = tasks(read_job(site, METRICS))[0]
    (keys,) = [each["EmbeddedTmpl"] for each in task["Templates"] if each["Envvars"]]
    env = dict.fromkeys(re.findall(r"^\s*(\w+)=\{\{ \.key \}\}$", keys, re.MULTILINE), KEY)
    assert "-envflag.enable" in wall(task).command
    folder = tmp_path_factory.mktemp("store")
    address = f"{own_address()}:8428"
    programs = tools.observers(ROOT, Step("programs", Console(stderr=True), status=None))
    command: list[str | Path] = [
        programs / "victoria-metrics", "-envflag.enable", f"-httpListenAddr={address}",
        f"-storageDataPath={folder / 'data'}", "-search.latencyOffset=0s",
    ]  # fmt: skip
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env={**os.environ, **env}, stderr=output)
    try:
        with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=60) as client:

            def answers() -> bool:
                assert process.poll() is None, log.read_text()
                try:
                    return client.get("/health").is_success
                except httpx.TransportError:
                    return False

            wait.until("the store", answers, START_LIMIT)
            yield client
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("change", CHANGES)
def test_the_store_of_metrics_is_changed_by_adding_only(store: httpx.Client, change: str) -> None:
    assert store.post(change).status_code == 401
    assert store.post("/api/v1/import/prometheus", content="up 1").status_code == 204
    assert store.get("/api/v1/query", params={"query": "up"}).status_code == 200


def test_its_key_opens_what_is_closed(store: httpx.Client) -> None:
    done = store.post(CHANGES[0], params={"match[]": "up", "authKey": KEY})
    assert done.status_code == 204


def test_it_takes_what_is_told_of_disks(store: httpx.Client, tmp_path: Path) -> None:
    program = ROOT / "nomad" / "jobs" / "metrics" / "disks.py"
    url = str(store.base_url).rstrip("/")
    command = [sys.executable, "-I", "-S", str(program), url, "node-2", str(tmp_path)]

    def is_known() -> bool:
        query = f'disk_free_bytes{{job="disks",node="node-2",folder="{tmp_path}"}}'
        found = store.get("/api/v1/query", params={"query": query}).json()["data"]["result"]
        return bool(found) and int(found[0]["value"][1]) > 0

    with subprocess.Popen(command) as teller:
        try:
            wait.until("the disk", is_known, START_LIMIT)
        finally:
            teller.terminate()
