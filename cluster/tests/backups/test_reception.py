"""backups.reception: what of a live database's log is missing, with a database that a test sets."""

from collections.abc import Callable

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import serving
from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.backups import health, reception, repository
from tasktracker_cluster.site import Site

Answering = Callable[..., None]

# Stands for `runuser -u USER -- psql ... STATEMENT`.
DATABASE = """#!/bin/sh
for statement; do :; done
case $statement in
    *recovery*) echo {recovers} ;;
    *pg_stat_replication*) {answer} ;;
    *) [ {recovers} = f ] && echo 1/3000060 ;;
esac
"""


@pytest.fixture
def answering(site: Site, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Return a function that sets how the database answers for the receiver."""
    monkeypatch.setenv("PATH", f"{site.home}:/usr/bin:/bin")
    monkeypatch.setattr(reception, "LIMIT_SECONDS", 0)
    program = site.home / "runuser"

    def write(answer: str, recovers: str = "f") -> None:
        program.write_text(DATABASE.format(answer=answer, recovers=recovers))
        program.chmod(0o755)

    return write


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("echo 0", ""),
        ("echo -16777288", ""),
        ("exit 1", ""),
        ("echo 1025", "2 KiB of the log of task-db are in no backup yet."),
        ("echo", "Nobody receives the log of task-db: its last changes are in no backup."),
    ],
)
def test_what_is_not_received_is_told(
    site: Site, answering: Answering, answer: str, told: str
) -> None:
    answering(answer)
    assert reception.missing(site, "task-db") == told


def test_a_receiver_that_comes_in_time_is_waited_for(
    site: Site, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "LIMIT_SECONDS", 30)
    looks = site.home / "looks"
    answering(f"echo >>{looks}; [ $(wc -l <{looks}) -lt 3 ] && echo 50331745 || echo 0")
    assert reception.missing(site, "task-db") == ""


@pytest.mark.parametrize(
    ("leader", "told"),
    [
        (b"m1", ""),
        (b"", ""),
        (b"m2", "m2 leads task-db, on node-2: how much of its log is received is not known."),
        (
            b"m3",
            "m3 leads task-db, on another machine: how much of its log is received is not known.",
        ),
    ],
)
def test_while_another_machine_leads_it_is_not_known_what_is_missing(
    site: Site, nomad: Nomad, leader: bytes, told: str
) -> None:
    with serving(Consul()) as consul:
        consul.keys = {
            "tasktracker/members": {"node-1": 1, "node-2": 2},
            "service/task-db/leader": leader,
            **{f"service/task-db/members/m{each}": {"state": "running"} for each in (1, 2, 3)},
        }
        assert reception.led_elsewhere(FakeCluster(site, nomad, consul), "task-db") == told


def test_without_consul_nothing_is_known_of_another_leader(site: Site, nomad: Nomad) -> None:
    with serving(Consul()) as consul:
        cluster = FakeCluster(site, nomad, consul)
    assert reception.led_elsewhere(cluster, "task-db") == ""


@pytest.mark.parametrize(
    ("recovers", "fault"), [("t", health.ELSEWHERE), ("x", "the database does not answer")]
)
def test_a_replica_says_that_another_machine_leads(
    site: Site,
    answering: Answering,
    monkeypatch: pytest.MonkeyPatch,
    recovers: str,
    fault: str,
) -> None:
    monkeypatch.setattr(repository, "backups", lambda *_: [])
    monkeypatch.setattr(repository, "has_space_for_another", lambda *_: True)
    answering("exit 1", recovers)
    assert health.of(site, "task-db").fault == fault
