"""mesh.inside: requests inside the network of an allocation of another node."""

import sys
from pathlib import Path

import pytest

from cluster.tests.http_server import Agent, serving
from cluster.tests.nomad_server import Nomad, allocation
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.mesh import inside
from tasktracker_cluster.mesh.requests import Answer

REMOTE = "0a1b2c3d-1111-2222-3333-444455556666"  # no network of this machine has that name
WALL = {"command": "${meta.tasktracker.home}/bin/wall", "args": ["--user=nobody", "--", "x"]}

# Stands for `nomad alloc exec ... -- ID WALL...`: runs what follows the wall's own words.
EXEC = """#!/bin/sh
echo "$@" >"$0.asked"
while [ "$1" != --user=nobody ]; do shift; done
shift 3
exec "{python}" "$@"
"""


@pytest.fixture
def other_node(cluster: Cluster, nomad: Nomad) -> Path:
    """Have an allocation on a node with another state folder, and a program `nomad`. Return it."""
    credentials.create(cluster.site)
    cluster.site.bin.mkdir()
    program = cluster.site.bin / "nomad"
    program.write_text(EXEC.format(python=sys.executable))
    program.chmod(0o755)
    release = {"command": "/srv/tt/releases/a1b2/bin/python"}
    tasks = [{"Name": "app", "Config": {**WALL, "of": release}}]
    nomad.answers[f"/v1/allocation/{REMOTE}"] = {"Job": {"TaskGroups": [{"Tasks": tasks}]}}
    nomad.answers["/v1/node/2"] = {"Meta": {"tasktracker.home": "/srv/other"}}
    return program


def test_the_request_is_sent_by_the_allocations_own_task_behind_its_wall(
    cluster: Cluster, other_node: Path
) -> None:
    with serving(Agent()) as service:
        service.answers["/metrics"] = b"requests 7\nmore\n"
        address = "127.0.0.1", service.port
        answer = inside.get(cluster, allocation(REMOTE, NodeID="2"), address, "/metrics")
    assert answer == Answer(200, "requests 7\nmore\n")
    asked = other_node.with_name("nomad.asked").read_text()
    assert f"-- {REMOTE} /srv/other/bin/wall --user=nobody --" in asked
    assert "/srv/other/releases/a1b2/bin/python" in asked


def test_a_status_of_an_error_is_an_answer(cluster: Cluster, other_node: Path) -> None:
    assert other_node.exists()
    with serving(Agent()) as service:
        address = "127.0.0.1", service.port
        answer = inside.get(cluster, allocation(REMOTE, NodeID="2"), address, "/nothing")
    assert answer == Answer(404, "")


def test_without_an_answer_the_error_is_returned(cluster: Cluster, other_node: Path) -> None:
    assert other_node.exists()
    address = "127.0.0.1", 9  # nothing listens there
    answer = inside.get(cluster, allocation(REMOTE, NodeID="2"), address, "/")
    assert isinstance(answer, str)
    assert "refused" in answer
