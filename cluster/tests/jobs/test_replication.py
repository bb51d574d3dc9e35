"""jobs.replication: the members of a database, from what Patroni has written into Consul."""

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, Request, serving
from cluster.tests.nomad_server import Nomad, allocation
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NoInstanceError
from tasktracker_cluster.jobs import replication, switchover
from tasktracker_cluster.jobs.replication import Member
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import DATABASES

CHECKOUT = Path(__file__).parents[3]
KEYS = "/v1/kv/service/task-db/"


def member(state: str = "running", **others: object) -> dict[str, object]:
    return {"state": state, "timeline": 3, **others}


LEADER = member(xlog_location=8192)
COPY = member(replication_state="streaming", xlog_location=4096, receive_lsn=7168)


def knows(consul: Agent, **keys: object) -> None:
    """Let Consul have these keys of Patroni. A name has `_` in place of the slash."""
    found = []
    for name, value in keys.items():
        text = value if isinstance(value, str) else json.dumps(value)
        key = f"service/task-db/{name.replace('members_', 'members/')}"
        found.append({"Key": key, "Value": base64.b64encode(text.encode()).decode()})
    consul.answers[KEYS] = found


def test_the_leader_comes_first_and_the_others_say_how_far_they_are_behind(
    cluster: Cluster, consul: Agent
) -> None:
    sync, status = {"leader": "m2", "sync_standby": "m1"}, {"optime": 8192}
    knows(consul, members_m1=COPY, members_m2=LEADER, leader="m2", sync=sync, status=status)
    found = replication.members_of(cluster.consul, "task-db")
    assert found == [
        Member("m2", "leader", "running", 3, None, is_synchronous=False),
        Member("m1", "replica", "streaming", 3, 1024, is_synchronous=True),
    ]
    assert [each.told for each in found] == [
        "leads on timeline 3",
        "copies at once, 1 KiB behind",
    ]
    assert all(each.is_well for each in found)


def test_a_member_that_starts_is_not_well(cluster: Cluster, consul: Agent) -> None:
    knows(consul, members_m1=member("starting"), leader="")
    (only,) = replication.members_of(cluster.consul, "task-db")
    assert not only.is_well
    assert only.told == "copies"


def test_a_replica_that_runs_and_receives_nothing_is_not_well(
    cluster: Cluster, consul: Agent, nomad: Nomad
) -> None:
    knows(consul, members_m1=member(xlog_location=4096), members_m2=LEADER, leader="m2")
    _, replica = replication.members_of(cluster.consul, "task-db")
    assert (replica.state, replica.is_well) == ("not streaming", False)
    assert switchover.best([replica]) is None
    runs(consul, nomad, "m1", "m2")
    with pytest.raises(NoInstanceError, match="copies its leader"):
        replication.task(cluster, "task-db", replica=True)


def test_before_its_first_start_a_database_has_no_member(cluster: Cluster) -> None:
    assert replication.members_of(cluster.consul, "task-db") == []


def test_forgotten_are_all_keys_but_the_settings_and_others_wait_until_the_restore_ends(
    cluster: Cluster, consul: Agent
) -> None:
    names = ("config", "history", "initialize", "members/m1", "restoring")
    consul.answers[KEYS] = [f"service/task-db/{name}" for name in names]
    asked = []

    def note(request: Request) -> object:
        asked.append((request.method, request.path.removeprefix(KEYS)))
        return True

    for name in names:
        consul.answers[KEYS + name] = note
    replication.forget(cluster, "task-db")
    replication.let_others_start(cluster, "task-db")
    forgotten = [("DELETE", name) for name in ("history", "initialize", "members/m1")]
    assert asked == [("PUT", "restoring"), *forgotten, ("DELETE", "restoring")]


def runs(consul: Agent, nomad: Nomad, *names: str) -> None:
    """Let each of these members have an allocation, whose id is its name."""
    nomad.has_job("task-db", *(allocation(name) for name in names))
    nomad.answers["/v1/node/1"] = {"Meta": {"tasktracker.home": "/there"}}
    config = {"command": "wall", "args": ["--user=tasktracker-task-db", "--", "/bin/bash"]}
    job = {"TaskGroups": [{"Tasks": [{"Name": "postgres", "Config": config}]}]}
    for name in names:
        nomad.answers[f"/v1/allocation/{name}"] = {"Job": job}
    consul.answers["/v1/health/service/task-db"] = [
        {"Service": {"Meta": {"member": name, "allocation": name}}} for name in names
    ]


def test_the_task_of_the_leader_or_of_a_copy_is_found(
    cluster: Cluster, consul: Agent, nomad: Nomad
) -> None:
    knows(consul, members_m1=COPY, members_m2=LEADER, leader="m2")
    runs(consul, nomad, "m1", "m2")
    assert replication.task(cluster, "task-db").allocation == "m2"
    assert replication.task(cluster, "task-db", replica=True).allocation == "m1"


def test_the_only_instance_is_found_when_consul_does_not_say_who_leads(
    cluster: Cluster, consul: Agent, nomad: Nomad
) -> None:
    runs(consul, nomad, "m1")
    assert replication.task(cluster, "task-db").allocation == "m1"


@pytest.mark.parametrize(("replica", "says"), [(False, "leads now"), (True, "copies its leader")])
def test_without_such_a_member_the_error_says_so(
    cluster: Cluster, consul: Agent, nomad: Nomad, replica: bool, says: str
) -> None:
    runs(consul, nomad, *([] if not replica else ["m1"]))
    knows(consul, members_m1=LEADER, leader="m1")
    with pytest.raises(NoInstanceError, match=says):
        replication.task(cluster, "task-db", replica=replica)


@pytest.mark.parametrize(("leader", "asked"), [("m1", "here"), ("", "here"), ("m2", "there")])
def test_the_leader_is_asked_where_it_is(
    cluster: Cluster,
    consul: Agent,
    nomad: Nomad,
    monkeypatch: pytest.MonkeyPatch,
    leader: str,
    asked: str,
) -> None:
    """Here over the socket. There by `nomad alloc exec`, behind the wall of the leader's task."""
    site = cluster.site
    credentials.create(site)
    site.bin.mkdir()
    programs = {
        "runuser": "echo here",
        "nomad": 'case "$*" in *" m2 wall --user=tasktracker-task-db -- "*psql*" SELECT 1") '
        "echo there ;; esac",
    }
    for name, text in programs.items():
        (site.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (site.bin / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{site.bin}:/usr/bin:/bin")
    knows(consul, members_m1=LEADER, members_m2=LEADER, leader=leader)
    runs(consul, nomad, "m1", "m2")
    assert replication.query(cluster, "task-db", "SELECT 1", 10).strip() == asked


@pytest.mark.parametrize("is_on", [False, True])
def test_every_member_keeps_the_log_for_the_backups_only_while_they_are_on(
    site: Site, nomad: Nomad, is_on: bool
) -> None:
    own = replace(site, checkout=CHECKOUT)
    own.backup.mkdir()
    if is_on:
        own.barman_conf.touch()
    with serving(Consul()) as kept:
        replication.set_up(FakeCluster(own, nomad, kept))
    slots = [kept.keys[f"service/{each.name}/config"].get("slots") for each in DATABASES]
    assert slots == [{"barman": {"type": "physical"}} if is_on else None] * 2
