"""The logs stay small: each agent rotates its own, and every task has one log of a bounded size."""

import re

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import MAIN_TASKS, RELEASE_JOBS
from tests.infra.conftest import SMALL_LOG
from tests.infra.reading import ROOT, Consul, Json, tasks, wall

MOST_FILES = 5
LONGEST_LINE = 2000  # a line is not split across files


def test_consul_deletes_its_oldest_logs(consul: Consul, site: Site) -> None:
    for _ in range(MOST_FILES + 1):
        # Consul refuses the unknown kind, and logs that.
        consul("config", "read", "-kind", "unknown", "-name", "x" * SMALL_LOG)
    full = list(site.logs.glob("consul-*.log"))
    assert 1 <= len(full) <= MOST_FILES
    assert max(file.stat().st_size for file in full) <= SMALL_LOG + LONGEST_LINE


@pytest.mark.parametrize("agent", ["consul", "nomad"])
def test_every_agent_keeps_a_few_logs_of_a_bounded_size(agent: str) -> None:
    base = (ROOT / agent / "agent" / "base.hcl").read_text()
    assert "log_rotate_bytes     = 10485760" in base
    assert f"log_rotate_max_files = {MOST_FILES}" in base
    node = (ROOT / agent / "agent" / "node.hcl.tmpl").read_text()
    assert f'"$home/logs/{agent}.log"' in node


def test_the_supervisor_catches_no_logs_of_the_agents() -> None:
    conf = (ROOT / "cluster/src/tasktracker_cluster/agents/supervisord.conf.tmpl").read_text()
    assert conf.count(">/dev/null 2>>") == conf.count("[program:") == 3


def test_nomad_collects_the_logs_of_the_main_tasks_and_walls_write_those_of_the_others(
    job: Json,
) -> None:
    for task in tasks(job):
        is_main = task["Name"] == MAIN_TASKS[job["ID"]]
        name = f"connect-proxy-{job['ID']}" if task["Name"] == "envoy" else task["Name"]
        # The name by which `nomad alloc logs` and `admin logs` find it.
        written = () if is_main else (f"${{NOMAD_ALLOC_DIR}}/logs/{name}",)
        assert wall(task).log == written
        assert bool((task["LogConfig"] or {}).get("Disabled")) == (not is_main), name


@pytest.mark.parametrize(("name", "task"), RELEASE_JOBS.items())
def test_the_jobs_of_releases_write_the_logs_that_admin_logs_reads(name: str, task: str) -> None:
    text = (ROOT / "nomad" / "jobs" / f"{name}.nomad.hcl").read_text()
    assert f'task "{task}"' in text
    assert re.search(rf"NOMAD_ALLOC_DIR\}}?/logs/{task}\b", text)
