"""The start and the end of a session."""

import os
import pwd
import re
import signal
import socket
import stat
from collections.abc import Callable

import pytest

from tasktracker_cluster.machine import wait
from tests.dev.session import Session
from tests.dev.traffic import gateway, log_in, register

LIMIT = 180  # seconds

MakeSession = Callable[[str], Session]


@pytest.mark.drill
def test_ctrl_c_leaves_no_process_and_the_next_session_has_the_data(
    make_session: MakeSession,
) -> None:
    session = make_session("nobody")
    session.start()
    with gateway() as client:
        register(client, "alice")
        client.post("/api/v1/tasks/", json={"title": "still here"})

    assert session.stop() == 0
    assert not session.commands()

    session.start()
    with gateway() as client:
        log_in(client, "alice")
        assert [task["title"] for task in client.get("/api/v1/tasks/").json()] == ["still here"]


@pytest.mark.drill
def test_a_session_that_is_killed_leaves_no_process_and_can_be_continued(
    make_session: MakeSession,
) -> None:
    session = make_session("nobody")
    session.start()
    assert session.process is not None
    session.process.kill()
    session.process.wait()

    wait.until("the end of every process", lambda: not session.commands(), LIMIT)
    session.start()


@pytest.mark.drill
def test_a_killed_supervisor_ends_all_its_processes_and_the_session(
    make_session: MakeSession,
) -> None:
    session = make_session("nobody")
    session.start()
    assert session.process is not None
    os.kill(int((session.site.run / "supervisord.pid").read_text()), signal.SIGKILL)

    assert session.process.wait(LIMIT) == 1
    assert "The supervisor ended." in session.log.read_text()
    wait.until("the end of every process", lambda: not session.commands(), LIMIT)


@pytest.mark.parametrize("moment", ["initdb", "supervisord", "task_service"])
def test_ctrl_c_during_the_start_leaves_no_process(make_session: MakeSession, moment: str) -> None:
    session = make_session("nobody")
    session.begin()
    wait.until(moment, lambda: moment in str(session.commands()), LIMIT)

    assert session.stop() == 130
    assert not session.commands()


def test_a_session_names_a_taken_port(make_session: MakeSession) -> None:
    session = make_session("nobody")
    with socket.create_server(("127.0.0.1", 8000)):
        output = session.refused()

    assert re.search(r"Port 8000 \(the gateway\) cannot be used: .*\./just down", output, re.DOTALL)
    assert "Traceback" not in output


@pytest.fixture
def as_root(make_session: MakeSession) -> Session:
    return make_session("root")


@pytest.mark.drill
def test_postgresql_runs_as_its_own_user_in_a_session_of_root(as_root: Session) -> None:
    as_root.start()

    owners = {pwd.getpwuid(os.stat(f"/proc/{as_root.pid(name)}").st_uid).pw_name
              for name in ("user-db", "task-db")}  # fmt: skip
    assert owners == {"postgres"}
    assert stat.S_IMODE(as_root.site.secrets.stat().st_mode) == 0o700
    with gateway() as client:
        register(client, "alice")
        assert client.get("/api/v1/stats/").json()["total_tasks"] == 0
