"""doctor.database: the hop that looks at the members of a database."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.http_server import serving
from cluster.tests.nomad_server import Nomad, allocation, node
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import connection, database, instances
from tasktracker_cluster.errors import BrokenHopError
from tasktracker_cluster.mesh import requests
from tasktracker_cluster.mesh.catalog import Sidecar
from tasktracker_cluster.mesh.requests import Answer
from tasktracker_cluster.node import Node

FOLDER = "service/task-db/"


@pytest.fixture
def consul(nomad: Nomad) -> Iterator[Consul]:
    """Have three machines, of which two have their member."""
    nomad.answers["/v1/nodes"] = [node(f"node-{each}") for each in (1, 2, 3)]
    with serving(Consul()) as server:
        server.keys = {
            "tasktracker/members": {"node-1": 1, "node-2": 2},
            f"{FOLDER}leader": b"m1",
            f"{FOLDER}members/m1": member(),
            f"{FOLDER}members/m2": member(replication_state="streaming"),
        }
        yield server


def member(**others: Any) -> dict[str, Any]:
    return {"state": "running", "timeline": 3, **others}


def leader(cluster: Cluster) -> str:
    return probe(cluster, "leader")


def probe(cluster: Cluster, name: str) -> str:
    (hop,) = [each for each in database.hops(cluster, "task-service", "task-db")
              if each.name == name]  # fmt: skip
    return hop.probe()


@pytest.mark.usefixtures("consul")
def test_the_leader_and_its_copies_are_named(cluster: Cluster) -> None:
    assert leader(cluster) == "m1 leads on timeline 3; m2 copies"


def test_without_a_leader_the_hop_is_broken(cluster: Cluster, consul: Consul) -> None:
    consul.keys[f"{FOLDER}leader"] = b""
    with pytest.raises(BrokenHopError, match="no member leads"):
        leader(cluster)


def test_a_copy_that_receives_nothing_breaks_the_hop(cluster: Cluster, consul: Consul) -> None:
    consul.keys[f"{FOLDER}members/m2"] = member()
    with pytest.raises(BrokenHopError, match="the member m2 on node-2 is not streaming"):
        leader(cluster)


def test_a_machine_with_a_number_and_no_member_breaks_the_hop(
    cluster: Cluster, consul: Consul
) -> None:
    del consul.keys[f"{FOLDER}members/m2"]
    with pytest.raises(BrokenHopError, match="node-2 has no member") as raised:
        leader(cluster)
    assert raised.value.hint == "On node-2: ./just up"


def test_a_machine_without_a_member_asks_none_and_the_first_one_must_have_one(
    cluster: Cluster, nomad: Nomad
) -> None:
    nomad.answers["/v1/job/task-db"] = {"Stop": False}
    nomad.answers["/v1/job/task-db/allocations"] = [allocation(NodeName="node-2")]
    with pytest.raises(BrokenHopError, match="task-db has no instance on this machine"):
        probe(cluster, "database")
    cluster.site.node_file.write_text(Node("node-4", "10.0.0.4", False, "10.0.0.1").text)
    assert probe(cluster, "database") == "no member on this machine"


@pytest.mark.parametrize("state", [("down", "eligible"), ("ready", "ineligible")])
def test_a_machine_that_takes_no_jobs_needs_no_member(
    cluster: Cluster, nomad: Nomad, consul: Consul, state: tuple[str, str]
) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2", *state)]
    del consul.keys[f"{FOLDER}members/m2"]
    assert leader(cluster) == "m1 leads on timeline 3"


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Sidecar:
    """Have an instance of the service, whose sidecar accepts each connection."""
    found = Sidecar("task-service", ("127.0.0.1", 1), "0a1b2c3d-1111", "node-1")
    monkeypatch.setattr(instances, "sidecars", lambda *_: [found])
    monkeypatch.setattr(connection, "dial", lambda *_: None)
    return found


def late(*_: object) -> Answer:
    raise TimeoutError("timed out")


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(
    ("says", "told"),
    [
        (late, "timed out"),
        (
            lambda *_: Answer(503, "upstream connect error"),
            "status 503 without the check of the database",
        ),
        (lambda *_: Answer(200, '{"checks": []}'), "status 200 without the check of the database"),
    ],
)
def test_a_service_that_tells_no_health_breaks_the_hop(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, says: Callable[..., Answer], told: str
) -> None:
    monkeypatch.setattr(requests, "get", says)
    with pytest.raises(
        BrokenHopError, match=f"task-service on node-1 tells no health: .*{told}"
    ) as raised:
        probe(cluster, "login")
    assert raised.value.hint.endswith("nomad alloc restart 0a1b2c3d app")


def test_an_instance_whose_tasks_have_not_started_has_no_settings_of_envoy(
    cluster: Cluster, ours: Sidecar
) -> None:
    with pytest.raises(BrokenHopError, match="Envoy has no settings"):
        connection.admin_address(cluster, ours)


def test_no_connection_stays_open_when_the_gateway_has_no_certificate(
    cluster: Cluster, nomad: Nomad
) -> None:
    nomad.answers["/v1/job/traefik"] = {"Stop": True}
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = Sidecar("task-db", server.getsockname(), "0a1b2c3d-1111", "node-1")
        with pytest.raises(BrokenHopError, match="the job traefik is stopped"):
            connection.dial(cluster, target)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has connected
            server.accept()
