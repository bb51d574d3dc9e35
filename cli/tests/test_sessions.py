"""account sessions: what is shown, what is sent, what is said."""

import pytest

from cli.tests.conftest import PROBLEM, Answer, Cli, FakeGateway

HERE = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
THERE = "7d444840-9dc0-11d1-b245-5ffdce74fad3"
SESSIONS = [
    {
        "id": HERE,
        "created_at": "2030-01-02T03:04:05.678901Z",
        "last_used_at": "2030-01-03T22:04:05Z",
        "expires_at": "2030-02-01T03:04:05Z",
        "program": "tasktracker-cli/0.1.0 (Linux)",
        "current": True,
    },
    {
        "id": THERE,
        "created_at": "2030-01-01T03:04:05Z",
        "last_used_at": "2030-01-01T03:04:05Z",
        "expires_at": "2030-01-31T03:04:05Z",
        "program": None,
        "current": False,
    },
]


def test_sessions_are_listed_in_local_time(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/sessions", Answer(body=SESSIONS))
    lines = cli("account", "sessions", "list").stdout.splitlines()
    assert [line.split("\t") for line in lines] == [
        ["ID", "PROGRAM", "USED", "OPENED", "HERE"],
        [HERE, "tasktracker-cli/0.1.0 (Linux)", "2030-01-03 23:04", "2030-01-02 04:04", "yes"],
        [THERE, "-", "2030-01-01 04:04", "2030-01-01 04:04", "-"],
    ]


def test_programs_get_sessions_as_the_api_has_them(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/sessions", Answer(body=SESSIONS))
    assert cli.json("account", "sessions", "list") == SESSIONS
    assert cli("account", "sessions", "list", "--quiet").stdout == f"{HERE}\n{THERE}\n"
    only = cli("account", "sessions", "list", "--json", "--jq", ".[] | select(.current) | .id")
    assert only.stdout.strip() == HERE


def test_each_named_session_is_ended(cli: Cli, gateway: FakeGateway) -> None:
    for each in (HERE, THERE):
        gateway.on(f"DELETE /auth/sessions/{each}", Answer(204))
    done = cli("account", "sessions", "end", HERE, THERE.upper())
    assert done.returncode == 0
    assert [request.method for request in gateway.requests] == ["DELETE", "DELETE"]
    assert f"Ended the session {THERE}." in done.stderr


def test_one_that_is_not_there_is_told_and_the_rest_is_ended(
    cli: Cli, gateway: FakeGateway
) -> None:
    problem = {"detail": "You have no such session."}
    gateway.on(f"DELETE /auth/sessions/{HERE}", Answer(404, problem, PROBLEM))
    gateway.on(f"DELETE /auth/sessions/{THERE}", Answer(204))
    done = cli("account", "sessions", "end", HERE, THERE)
    assert done.returncode == 5
    assert f"You have no session {HERE}. See what there is with: " in done.stderr
    assert f"Ended the session {THERE}." in done.stderr


def test_all_others_are_ended_at_once(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("DELETE /auth/sessions", Answer(204))
    assert cli("account", "sessions", "end", "--others").returncode == 0
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("arguments", [[], [HERE, "--others"], ["7"], ["../users/1"], [""]])
def test_what_names_no_session_is_refused_before_anything_is_sent(
    cli: Cli, gateway: FakeGateway, arguments: list[str]
) -> None:
    done = cli("account", "sessions", "end", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert gateway.requests == []


@pytest.mark.parametrize("body", [{}, "x", [1], [{"id": HERE}]])
def test_an_answer_that_is_no_list_of_sessions_is_told(
    cli: Cli, gateway: FakeGateway, body: object
) -> None:
    gateway.on("GET /auth/sessions", Answer(body=body))
    done = cli("account", "sessions", "list")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
