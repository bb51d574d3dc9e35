"""dev.session: the state folder and the ports of a session."""

from pathlib import Path

import pytest

from tasktracker_cluster.dev import session
from tasktracker_cluster.site import Site

CHECKOUT = Path(__file__).parents[3]


def test_a_session_needs_the_ports_of_all_its_programs() -> None:
    assert sorted(port for port, _ in session.ports()) == [
        *(5433, 5434),  # databases
        *(8000, 8001, 8002, 8003, 8004, 8005, 8080),  # gateway, services, error pages, dashboard
        *(8300, 8301, 8500),  # Consul
    ]


def test_each_port_has_the_name_of_its_program() -> None:
    purposes = dict(session.ports())
    assert purposes[8005] == "the gateway's error pages"
    assert purposes[8002] == "task-service"
    assert purposes[5433] == "user-db"


def test_the_state_is_below_the_users_own_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert session.site() == Site(tmp_path / "tasktracker" / "dev", CHECKOUT)
