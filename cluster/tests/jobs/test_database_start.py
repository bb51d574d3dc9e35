"""nomad/jobs/postgres/start.sh: what a member does with its lead before Patroni starts.

When its server may go on at once, and when another member leads in its place.
"""

import os
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.http_server import Agent, serving
from servicekit.testing import postgres as server
from tasktracker_cluster.jobs import postgres

SCRIPTS = Path(__file__).parents[3] / "nomad/jobs/postgres"
LEADER, SYNC = "service/task-db/leader", "service/task-db/sync"


def call(function: str, consul: int = 1, patroni: int = 1, **variables: str) -> bool:
    """Call a function of the script as member 1 of task-db, and return whether it succeeds.

    Consul is on one port, and Patroni's API of every other member on another. On port 1 is nothing.
    """
    functions, _, _ = (SCRIPTS / "start.sh").read_text().partition("\nmkdir ")
    used = (SCRIPTS / "give_lead.sh").read_text()
    program = functions.replace('. "$SCRIPTS/give_lead.sh"', used) + f"\n{function}"
    program = program.replace("/127.0.0.1/8500", f"/127.0.0.1/{consul}")
    program = program.replace("/127.0.0.1/844$1", f"/127.0.0.1/{patroni}")
    known = {"CLUSTER": "task-db", "MEMBER": "1", "CONSUL_TOKEN": "", **variables}
    command = ["/bin/bash", "-c", program]
    return subprocess.run(command, env={**os.environ, **known}, check=False).returncode == 0


def is_alone(port: int) -> bool:
    return call("is_alone", port)


@pytest.mark.parametrize(
    ("keys", "alone"),
    [
        ([], True),
        (["members/m1"], True),
        (["members/m1", "leader"], False),
        (["members/m1", "members/m2"], False),
        (["members/m3"], False),
    ],
)
def test_it_goes_on_at_once_only_while_nobody_else_can_lead(keys: list[str], alone: bool) -> None:
    with serving(Consul()) as consul:
        consul.keys |= {f"service/task-db/{key}": b"{}" for key in keys}
        assert is_alone(consul.port) is alone


def test_it_does_not_go_on_while_consul_is_away() -> None:
    assert not call("is_alone")


@pytest.mark.parametrize(
    ("leader", "copy", "copies", "given"),
    [
        (b"m1", "m2", True, True),
        (b"m1", "m2", False, False),  # it was killed, too
        (b"m1", None, True, False),  # nobody else has every write
        (b"m3", "m1", True, False),  # another one leads already
    ],
)
def test_a_member_that_was_killed_gives_its_lead_to_a_replica_that_is_there(
    leader: bytes, copy: str | None, copies: bool, given: bool
) -> None:
    with serving(Consul()) as consul, serving(Agent()) as patroni:
        consul.keys |= {LEADER: leader, SYNC: {"leader": "m1", "sync_standby": copy}}
        consul.sessions[LEADER] = "0c4a"
        if copies:
            patroni.answers["/replica"] = {}
        assert call("give_kept_lead", consul.port, patroni.port) is given
        assert (LEADER in consul.keys) is not given


def test_without_an_answer_of_the_replica_the_lead_is_kept() -> None:
    with serving(Consul()) as consul:
        consul.keys |= {LEADER: b"m1", SYNC: {"leader": "m1", "sync_standby": "m2"}}
        consul.sessions[LEADER] = "0c4a"
        assert not call("give_kept_lead", consul.port)
        assert LEADER in consul.keys


def test_a_server_that_outlived_its_patroni_is_asked_to_stop() -> None:
    with server.running() as url:
        with closing(psycopg2.connect(f"{url}/postgres")) as session, session.cursor() as cursor:
            cursor.execute("SHOW data_directory")
            ((data,),) = cursor.fetchall()
        place = {"DATA": data, "SOCKETS": "127.0.0.1", "PGPORT": str(urlsplit(url).port)}
        place["PGBIN"] = postgres.BIN
        assert call("has_leftover && end_leftover", **place)
        assert not call("has_leftover", **place)
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(f"{url}/postgres")


def test_the_file_of_a_server_that_lost_power_is_no_server(tmp_path: Path) -> None:
    assert not call("has_leftover", DATA=str(tmp_path))
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n")  # another process has its number
    assert not call("has_leftover", DATA=str(tmp_path))
