"""The agents' logs stay small: each agent rotates its own."""

import pytest

from tasktracker_cluster.site import Site
from tests.infra.conftest import SMALL_LOG
from tests.infra.reading import ROOT, Consul

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
