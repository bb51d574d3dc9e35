"""backups.reception: what of a live database's log is missing, with a database that a test sets."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cluster.tests.backups.conftest import Listing, backup
from cluster.tests.consul_server import Consul
from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import serving
from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.backups import health, reception, repository
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.site import Site

Answering = Callable[[str], None]

# Stands for `runuser -u USER -- psql ... STATEMENT`.
DATABASE = """#!/bin/sh
for statement; do :; done
case $statement in
    *pg_stat_replication*) {answer} ;;
    *) echo 1/3000060 ;;
esac
"""


@pytest.fixture
def answering(site: Site, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Return a function that sets how the database answers for the receiver."""
    monkeypatch.setenv("PATH", f"{site.home}:/usr/bin:/bin")
    monkeypatch.setattr(reception, "LIMIT_SECONDS", 0)
    program = site.home / "runuser"

    def write(answer: str) -> None:
        program.write_text(DATABASE.format(answer=answer))
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
    cluster: Cluster, answering: Answering, answer: str, told: str
) -> None:
    answering(answer)
    assert reception.missing(cluster, "task-db") == told


def test_a_receiver_that_comes_in_time_is_waited_for(
    cluster: Cluster, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "LIMIT_SECONDS", 30)
    looks = cluster.site.home / "looks"
    answering(f"echo >>{looks}; [ $(wc -l <{looks}) -lt 3 ] && echo 50331745 || echo 0")
    assert reception.missing(cluster, "task-db") == ""


@pytest.fixture
def three(site: Site, nomad: Nomad) -> Iterator[Callable[[str], Cluster]]:
    """Return a function that gives a cluster of three members, led by this one."""
    with serving(Consul()) as consul:
        consul.keys = {
            "tasktracker/members": {"node-1": 1, "node-2": 2},
            **{f"service/task-db/members/m{each}": {"state": "running"} for each in (1, 2, 3)},
        }

        def led_by(leader: str) -> Cluster:
            consul.keys["service/task-db/leader"] = leader.encode()
            return FakeCluster(site, nomad, consul)

        yield led_by


SILENT = " and does not answer: how much of its log is received is not known."


@pytest.mark.parametrize(
    ("leader", "told"),
    [
        ("m1", ""),
        ("", ""),
        ("m2", f"m2 leads task-db, on node-2,{SILENT}"),
        ("m3", f"m3 leads task-db, on another machine,{SILENT}"),
    ],
)
def test_of_a_leader_elsewhere_that_does_not_answer_nothing_is_known(
    three: Callable[[str], Cluster], answering: Answering, leader: str, told: str
) -> None:
    answering("exit 1")
    cluster = three(leader)
    assert reception.silent_elsewhere(cluster, "task-db") == told
    assert reception.missing(cluster, "task-db") == told


def test_without_consul_the_database_of_this_machine_is_asked(
    site: Site, nomad: Nomad, answering: Answering
) -> None:
    answering("echo 0")
    with serving(Consul()) as consul:
        cluster = FakeCluster(site, nomad, consul)
    assert reception.behind(cluster, "task-db") == 0
    answering("exit 1")
    assert reception.missing(cluster, "task-db") == ""


@pytest.mark.parametrize(
    ("leader", "fault"),
    [
        ("m1", "the database does not answer"),
        ("m2", f"m2 leads task-db, on node-2,{SILENT}".rstrip(".")),
    ],
)
def test_the_health_says_which_leader_does_not_answer(
    three: Callable[[str], Cluster],
    answering: Answering,
    monkeypatch: pytest.MonkeyPatch,
    leader: str,
    fault: str,
) -> None:
    monkeypatch.setattr(repository, "backups", lambda *_: [])
    monkeypatch.setattr(repository, "has_space_for_another", lambda *_: True)
    answering("exit 1")
    assert health.of(three(leader), "task-db").fault == fault


def test_a_backup_from_before_the_log_began_anew_is_not_enough(
    three: Callable[[str], Cluster], answering: Answering, listing: Listing
) -> None:
    cluster, end = three("m1"), datetime.now(UTC) - timedelta(hours=1)
    listing(backup(end))
    folder = cluster.site.repository / "task-db"
    (folder / "verified").write_text(f"{end:%Y%m%dT%H%M%S}\n")
    answering("echo 0")
    assert health.of(cluster, "task-db").fault == ""
    (folder / "anew").write_text(f"{end + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}\n")
    assert health.of(cluster, "task-db").fault == "no good backup since the log began anew"
