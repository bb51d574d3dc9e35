"""nomad/jobs/postgres/leads.sh, in a network of its own, beside an API in place of Patroni's.

And check.sh, which runs it behind a wall.
"""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.http_server import serving
from tasktracker_cluster.testing.namespaces import network_namespace

SCRIPTS = Path(__file__).parents[3] / "nomad/jobs/postgres"
LIMIT_SECONDS = 120
PASSING, WARNING, CRITICAL, HANGS = 0, 1, 2, 3

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")


class Patroni(ThreadingHTTPServer):
    """Answers each question as a member with the next role, and at last always with the last."""

    def __init__(self, *roles: str) -> None:
        self.roles = list(roles)
        super().__init__(("127.0.0.1", 8008), Answer)


class Answer(BaseHTTPRequestHandler):
    server: Patroni

    def do_GET(self) -> None:
        roles = self.server.roles
        role = roles.pop(0) if len(roles) > 1 else roles[0]
        self.send_response(200 if self.path == f"/{role}" else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def patroni(*roles: str) -> Iterator[None]:
    with network_namespace(), Patroni(*roles) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def sockets(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "changed")
    return tmp_path


def check(sockets: Path) -> int:
    """Run the check of a member as its job does, and return its status."""
    return run(sockets, "-c", script())


def check_hanging(sockets: Path, consul: int) -> int:
    """Run the check of a member that does not answer: it waits less."""
    text = script()
    assert text.count("read -r -t 2 ") == 1
    text = text.replace("read -r -t 2 ", "read -r -t 0.2 ")
    return run(sockets, "-c", text.replace("/127.0.0.1/8500", f"/127.0.0.1/{consul}"))


def script() -> str:
    return "".join((SCRIPTS / name).read_text() for name in ("give_lead.sh", "leads.sh"))


def run(sockets: Path, *words: str | Path) -> int:
    """Run a script of a member, and return its status."""
    variables = {"CLUSTER": "task-db", "MEMBER": "2", "SOCKETS": str(sockets), "CONSUL_TOKEN": ""}
    return subprocess.run(
        ["/bin/bash", *words],
        env={**os.environ, **variables},
        timeout=LIMIT_SECONDS,
        check=False,
    ).returncode


@pytest.mark.parametrize(
    ("role", "status"), [("primary", PASSING), ("replica", WARNING), ("", CRITICAL)]
)
def test_it_tells_the_role_of_the_member(sockets: Path, role: str, status: int) -> None:
    with patroni(role):
        assert check(sockets) == status


@pytest.mark.parametrize(("is_woken", "status"), [(True, PASSING), (False, WARNING)])
def test_a_replica_that_becomes_the_leader_passes_in_the_same_check_if_patroni_wakes_it(
    sockets: Path, is_woken: bool, status: int
) -> None:
    with patroni("replica", "replica", "primary"), open(sockets / "changed", "r+b", buffering=0):
        if is_woken:  # while the pipe is open what is written there stays
            assert run(sockets, SCRIPTS / "roles.sh", "on_role_change", "replica") == 0
        assert check(sockets) == status


LEADER, SYNC = "service/task-db/leader", "service/task-db/sync"


@pytest.mark.parametrize(
    ("leader", "copy", "status"),
    [
        (b"m2", "m3", HANGS),
        (b"m2", None, CRITICAL),  # nobody else has every write
        (b"m1", "m3", CRITICAL),  # it is no leader any more
    ],
)
def test_a_leader_that_hangs_gives_its_lead_to_a_replica_that_has_every_write(
    sockets: Path, leader: bytes, copy: str | None, status: int
) -> None:
    with network_namespace(), socket.create_server(("127.0.0.1", 8008)), serving(Consul()) as known:
        known.keys |= {LEADER: leader, SYNC: {"leader": "m2", "sync_standby": copy}}
        known.sessions[LEADER] = "0c4a"
        assert check_hanging(sockets, known.port) == status
        assert (LEADER in known.keys) == (status != HANGS)


@pytest.fixture
def wall() -> Iterator[Path]:
    """Give a program in place of the wall, which only runs what is behind it."""
    with TemporaryDirectory(dir="/tmp") as name:
        wall = Path(name, "wall")
        wall.write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n')
        for each in (wall.parent, wall):
            each.chmod(0o755)
        yield wall


@pytest.mark.parametrize("status", [PASSING, WARNING, CRITICAL, HANGS])
def test_a_member_that_hangs_is_killed_and_no_process_of_another(wall: Path, status: int) -> None:
    def start(user: str) -> subprocess.Popen[bytes]:
        process = stack.enter_context(subprocess.Popen(["sleep", "60"], user=user, group=user))
        stack.callback(process.kill)
        process.send_signal(signal.SIGSTOP)
        return process

    with ExitStack() as stack:
        elsewhere = start("daemon")  # another member of the user: its network is another
        stack.enter_context(network_namespace())
        patroni, postgres, sidecar = start("daemon"), start("daemon"), start("root")
        words = (str(wall), "daemon", "/nowhere", f"exit {status}")
        told = subprocess.run(["/bin/sh", SCRIPTS / "check.sh", *words], check=False)
        assert told.returncode == min(status, CRITICAL)
        if status == HANGS:
            ends = [each.wait(LIMIT_SECONDS) for each in (patroni, postgres)]
            assert ends == [-signal.SIGKILL] * 2
        else:
            assert [patroni.poll(), postgres.poll()] == [None, None]
        assert [elsewhere.poll(), sidecar.poll()] == [None, None]
