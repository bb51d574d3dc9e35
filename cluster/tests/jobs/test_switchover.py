"""jobs.switchover: the wish for another leader, and what Patroni makes of it."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.http_server import Request, serving
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NoStandbyError, NotReadyError
from tasktracker_cluster.jobs import replication, switchover

FOLDER = "service/task-db/"
WISH = f"{FOLDER}failover"
ENTRIES = "/v1/health/connect/task-db"


@pytest.fixture
def consul() -> Iterator[Consul]:
    with serving(Consul()) as server:
        yield server


def member(location: int = 5000, **others: Any) -> dict[str, Any]:
    return {"state": "running", "role": "replica", "xlog_location": location, "timeline": 3,
            **others}  # fmt: skip


@pytest.fixture
def keys(consul: Consul) -> dict[str, Any]:
    """Have a database whose leader is m1, with m2 as its synchronous replica."""
    consul.keys |= {
        f"{FOLDER}leader": b"m1",
        f"{FOLDER}members/m1": member(role="primary"),
        f"{FOLDER}members/m2": member(4900, replication_state="streaming"),
        f"{FOLDER}members/m3": member(5000, replication_state="streaming"),
        f"{FOLDER}sync": {"leader": "m1", "sync_standby": "m2"},
        f"{FOLDER}status": {"optime": 5000},
        f"{FOLDER}config": {"ttl": 20},
    }
    consul.answers[ENTRIES] = [entry("m2", "passing", "warning")]
    return consul.keys


def entry(member: str, *statuses: str) -> dict[str, Any]:
    """Return what Consul knows of the sidecar of a member."""
    checks = [{"Status": status} for status in statuses]
    return {"Service": {"Meta": {"member": member}}, "Checks": checks}


def test_only_a_synchronous_replica_is_a_candidate(cluster: Cluster, keys: dict[str, Any]) -> None:
    def best() -> str:
        found = switchover.best(replication.members_of(cluster.consul, "task-db"))
        return found.name if found else ""

    assert best() == "m2"
    keys[f"{FOLDER}members/m2"]["replication_state"] = "starting"
    assert best() == ""
    keys[f"{FOLDER}sync"] = {"leader": "m1", "sync_standby": None}
    assert best() == ""


def follow(consul: Consul, *then: str) -> None:
    """Let Patroni follow a wish: it makes the next of `then` the leader, and empties the key.

    The last one it makes the leader again and again.
    """

    def put(name: str, request: Request) -> None:
        consul.keys[f"{FOLDER}leader"] = then[min(len(wishes), len(then)) - 1].encode()
        consul.keys[WISH] = {}

    known = consul.answer

    def answer(request: Request) -> object:
        answered = known(request)
        if request.method == "PUT" and request.path.endswith("/failover"):
            wishes.append(request.body)
            threading.Timer(0.2, put, (WISH, request)).start()
        return answered

    wishes: list[dict[str, str]] = []
    consul.answer = answer  # type: ignore[method-assign]  # of this server only
    consul.wishes = wishes  # type: ignore[attr-defined]  # for the test


@pytest.mark.usefixtures("keys")
def test_a_switchover_ends_when_the_candidate_takes_writes(
    cluster: Cluster, consul: Consul
) -> None:
    follow(consul, "m2")
    assert switchover.switch(cluster, "task-db").name == "m2"
    assert consul.wishes == [{"leader": "m1", "member": "m2"}]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("keys")
def test_a_wish_that_patroni_takes_back_again_and_again_is_an_error(
    cluster: Cluster, consul: Consul
) -> None:
    follow(consul, "m1")
    with pytest.raises(NotReadyError, match="Patroni did not make m2 the leader of task-db"):
        switchover.switch(cluster, "task-db")
    assert len(consul.wishes) == switchover.WISHES  # type: ignore[attr-defined]


@pytest.mark.usefixtures("keys")
def test_a_candidate_that_answers_patroni_late_is_wished_for_again(
    cluster: Cluster, consul: Consul
) -> None:
    follow(consul, "m1", "m2")
    assert switchover.switch(cluster, "task-db").name == "m2"
    assert len(consul.wishes) == 2  # type: ignore[attr-defined]


@pytest.mark.usefixtures("keys")
def test_a_wish_that_nobody_follows_is_taken_back(
    cluster: Cluster, consul: Consul, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switchover, "LIMIT_SECONDS", 0)
    with pytest.raises(NotReadyError, match="m2 as the leader of task-db"):
        switchover.switch(cluster, "task-db")
    assert WISH not in consul.keys


def test_a_switchover_waits_for_a_synchronous_replica(
    cluster: Cluster, consul: Consul, keys: dict[str, Any]
) -> None:
    before, keys[f"{FOLDER}sync"] = keys[f"{FOLDER}sync"], {"leader": "m1", "sync_standby": None}
    follow(consul, "m2")
    timer = threading.Timer(0.3, keys.update, [{f"{FOLDER}sync": before}])
    timer.start()
    assert switchover.switch(cluster, "task-db").name == "m2"
    timer.join()


def test_without_a_synchronous_replica_nothing_is_wished(
    cluster: Cluster, keys: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys[f"{FOLDER}sync"] = {"leader": "m1", "sync_standby": None}
    monkeypatch.setattr(switchover, "LIMIT_SECONDS", 0.1)
    with pytest.raises(NotReadyError, match="a replica of task-db that has every write"):
        switchover.switch(cluster, "task-db")
    assert WISH not in keys


def test_without_a_replica_nothing_is_wished(
    cluster: Cluster, consul: Consul, keys: dict[str, Any]
) -> None:
    for name in ("members/m2", "members/m3", "sync"):
        del keys[f"{FOLDER}{name}"]
    with pytest.raises(NoStandbyError) as raised:
        switchover.switch(cluster, "task-db")
    assert raised.value.message == "task-db has no replica that has every write."
    assert WISH not in keys


@pytest.mark.parametrize(
    "entries", [[], [entry("m2", "passing", "critical")], [entry("m3", "passing", "warning")]]
)
def test_to_a_member_that_the_mesh_does_not_lead_to_nothing_is_wished(
    cluster: Cluster,
    consul: Consul,
    keys: dict[str, Any],
    entries: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(switchover, "LIMIT_SECONDS", 0.1)
    consul.answers[ENTRIES] = entries
    with pytest.raises(NotReadyError, match="Nobody would reach m2 of task-db"):
        switchover.switch(cluster, "task-db")
    assert WISH not in keys


@pytest.mark.usefixtures("keys")
def test_a_member_is_waited_for_until_the_mesh_leads_to_it(
    cluster: Cluster, consul: Consul
) -> None:
    before, consul.answers[ENTRIES] = consul.answers[ENTRIES], []
    follow(consul, "m2")
    timer = threading.Timer(0.3, consul.answers.update, [{ENTRIES: before}])
    timer.start()
    assert switchover.switch(cluster, "task-db").name == "m2"
    timer.join()


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(("machine", "moved"), [("node-1", True), ("node-2", False), ("x", False)])
def test_only_the_leaders_on_the_machine_move_away(
    cluster: Cluster, consul: Consul, machine: str, moved: bool
) -> None:
    consul.keys["tasktracker/members"] = {"node-1": 1, "node-2": 2}
    follow(consul, "m2")
    switchover.move_away(cluster, machine)
    assert json.loads(json.dumps(consul.wishes)) == (  # type: ignore[attr-defined]
        [{"leader": "m1", "member": "m2"}] if moved else []
    )
