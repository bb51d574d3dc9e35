"""agents.supervisor: what the agents' configuration has from other machines."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from cluster.tests.fake_cluster import install_release
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.machine import network
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site

ROOT = Path(__file__).parents[3]
TOKENS = Tokens(**{field.name: "a token" for field in fields(Tokens)})


@pytest.mark.parametrize("agent", supervisor.AGENTS)
def test_no_address_of_another_machine_ends_its_string_in_the_configuration(
    site: Site, monkeypatch: pytest.MonkeyPatch, agent: str
) -> None:
    monkeypatch.setattr(network, "interface_of", lambda _: "eth0")
    site = replace(site, checkout=ROOT)
    for folder in (site.agent, site.secrets):
        folder.mkdir()
    install_release(site)
    peers = ("10.0.0.1", '10.0.0.2"]\nenable_script_checks = true\nx = ["\\')
    supervisor.render(site, TOKENS, Node(address="10.0.0.3", peers=peers))
    rendered = (site.agent / agent / "cluster.hcl").read_text()
    line = r'retry_join     = ["10.0.0.1", "10.0.0.2\"]\nenable_script_checks = true\nx = [\"\\"]'
    assert line in rendered.splitlines() or f"    {line}" in rendered.splitlines()


def test_an_agent_whose_supervisor_was_killed_is_told_from_one_that_is_slow(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "CRASH_LOOP_SECONDS", 0)
    with pytest.raises(NotReadyError, match="The nomad agent does not stay up"):
        supervisor.wait_for(site, "nomad", lambda: False)
