"""The intake of what other machines add (nomad/jobs/logs/vmauth.yml), run as its job runs it."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from tasktracker_cluster.machine import network, tools, wait
from tasktracker_cluster.progress import Step
from tasktracker_cluster.site import METRICS_URL, Site
from tasktracker_cluster.testing.namespaces import network_namespace
from tasktracker_cluster.topology import LOGS, LOGS_PORT
from tests.infra.conftest import START_LIMIT
from tests.infra.reading import ROOT, read_job, wall
from tests.infra.test_alike import task

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a network")

INTAKE = f"http://{network.NODE_HOST}:{LOGS_PORT}"
LOGIN = ("operator", "the password")


@contextmanager
def running(command: Sequence[str | Path], **env: str) -> Iterator[None]:
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}) as process:
        try:
            yield
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=60).status_code < 500
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def intake(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run vmauth and a store of metrics in a network of their own. There is no other store."""
    programs = tools.observers(ROOT, Step("programs", Console(stderr=True), status=None))
    words = wall(task(read_job(site, LOGS, network="192.0.2.1"), "vmauth")).command[1:]
    local = [word.replace("=local/", "=nomad/jobs/logs/") for word in words]
    data = tmp_path_factory.mktemp("store")
    store: list[str | Path] = [
        programs / "victoria-metrics",
        f"-httpListenAddr={METRICS_URL.removeprefix('http://')}",
        f"-storageDataPath={data}",
    ]
    with ExitStack() as stack:
        stack.enter_context(network_namespace())
        network.create_address()
        stack.enter_context(running(store))
        stack.enter_context(running([programs / "vmauth", *local], INTAKE_PASSWORD=LOGIN[1]))
        wait.until("the store", lambda: answers(f"{METRICS_URL}/health"), START_LIMIT)
        wait.until("the intake", lambda: answers(INTAKE), START_LIMIT)
        yield stack.enter_context(httpx.Client(base_url=INTAKE, trust_env=False, timeout=60))


# 502: the password was right, or none was asked for, and there is no store of that kind here.
@pytest.mark.parametrize(
    ("path", "login", "status"),
    [
        ("/api/v1/write", LOGIN, 204),
        ("/internal/insert", LOGIN, 502),
        ("/v1/traces", None, 502),
        ("/api/v1/write", None, 401),
        ("/internal/insert", None, 401),
        ("/api/v1/write", ("operator", "another"), 401),
        ("/api/v1/query", LOGIN, 400),
        ("/api/v1/admin/tsdb/delete_series", LOGIN, 400),
        ("/select/logsql/query", LOGIN, 400),
        ("/metrics", LOGIN, 400),
        ("/-/reload", None, 401),
    ],
)
def test_the_intake_takes_three_paths_and_two_by_password(
    intake: httpx.Client, path: str, login: tuple[str, str] | None, status: int
) -> None:
    auth = httpx.BasicAuth(*login) if login else httpx.USE_CLIENT_DEFAULT
    assert intake.post(path, auth=auth).status_code == status
