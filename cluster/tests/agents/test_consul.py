"""agents.consul: sidecars are told to send spans, and to stop it; services are forgotten."""

from pathlib import Path

import pytest

from cluster.tests.http_server import Agent, Request
from tasktracker_cluster.agents import consul as agent
from tasktracker_cluster.site import Site

ENTRY = {"Kind": "proxy-defaults", "Name": "global", "ModifyIndex": 7}
PLAIN = {"local_request_timeout_ms": 15000}
TRACED = {
    **PLAIN,
    "envoy_extra_static_clusters_json": "a receiver",
    "envoy_listener_tracing_json": "a tracer",
}


@pytest.fixture
def tracing(site: Site) -> Path:
    folder = site.checkout / "consul" / "tracing"
    folder.mkdir(parents=True)
    (folder / "receiver.json").write_text("a receiver")
    (folder / "listeners.json").write_text("a tracer")
    return folder


@pytest.mark.parametrize(
    ("config", "on", "written"),
    [
        (PLAIN, True, TRACED),
        (TRACED, False, PLAIN),
        (PLAIN, False, None),
        (TRACED, True, None),
        ({**TRACED, "envoy_listener_tracing_json": "an older one"}, True, TRACED),
    ],
)
def test_the_entry_is_written_when_it_changes(
    site: Site,
    consul: Agent,
    tracing: Path,
    config: dict[str, object],
    on: bool,
    written: object,
) -> None:
    put = []

    def write(request: Request) -> object:
        put.append(request.body)
        return True

    consul.answers["/v1/config/proxy-defaults/global"] = {**ENTRY, "Config": config}
    consul.answers["/v1/config"] = write
    agent.trace(site, consul.api(), on=on)
    assert put == ([] if written is None else [{**ENTRY, "Config": written}])


def test_an_agent_forgets_the_services_of_its_machine_and_nothing_else(site: Site) -> None:
    data = site.home / "consul"
    agent.forget_services(site)  # before its first start
    for name in ("services/a", "checks/b", "checks/state/c", "raft/raft.db"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).touch()
    agent.forget_services(site)
    assert [file.name for file in data.rglob("*") if file.is_file()] == ["raft.db"]
