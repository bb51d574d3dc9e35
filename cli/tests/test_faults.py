"""What the user is told when the gateway does not do its part."""

import subprocess
from typing import Any

import pytest

from cli.tests.conftest import PROBLEM, TASK, Answer, Cli, FakeGateway


def problem(status: int, **fields: Any) -> Answer:
    return Answer(status, {"status": status, "title": "A title", **fields}, PROBLEM)


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Check that stderr is one line that says "error: ..." and stdout is empty; return it."""
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    return done.stderr.removeprefix("error: ")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(400, detail="Malformed JSON"), 2),
        (problem(403, detail="Not for you"), 1),
        (problem(404, detail="Task 7 does not exist"), 5),
        (problem(409, detail="That is taken"), 6),
        (problem(412, detail="It has changed"), 6),
        (problem(422, detail="The request is not valid"), 2),
        (problem(429, detail="Too many attempts"), 7),
        (problem(500, detail="Something broke"), 1),
        (problem(503, detail="The database is away"), 7),
    ],
)
def test_a_problem_is_told_in_its_own_words(
    cli: Cli, gateway: FakeGateway, answer: Answer, code: int
) -> None:
    gateway.on("GET /tasks/7", answer)
    done = cli("task", "show", "7")
    assert done.returncode == code
    assert one_sentence(done).startswith(f"{answer.body['detail']}. ")


def test_field_errors_are_told(cli: Cli, gateway: FakeGateway) -> None:
    errors = [
        {"field": "title", "message": "is too long"},
        {"field": "status", "message": "is odd"},
    ]
    gateway.on("POST /tasks/", problem(422, detail="The request is not valid.", errors=errors))
    done = cli("task", "create", "x")
    assert done.returncode == 2
    assert one_sentence(done).startswith("The title: is too long; --status: is odd. Change")


@pytest.mark.parametrize("errors", ["odd", [None, "text", {}], {}, [["a"]]])
def test_odd_field_errors_do_no_harm(cli: Cli, gateway: FakeGateway, errors: Any) -> None:
    gateway.on("POST /tasks/", problem(422, detail=["odd"], errors=errors))
    assert cli("task", "create", "x").returncode == 2


def test_how_long_to_wait_is_told(cli: Cli, gateway: FakeGateway) -> None:
    headers = {**PROBLEM, "Retry-After": "17"}
    gateway.on("GET /stats/", Answer(503, {"detail": "Overloaded"}, headers))
    assert "Try again in 17 s." in one_sentence(cli("stats"))


def test_a_broken_service_gives_a_request_id_to_report(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /stats/", problem(500, detail="Internal error", request_id="abc123"))
    assert "abc123" in one_sentence(cli("stats"))


def test_a_proxys_own_503_is_unavailable_too(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /stats/", Answer(503, b"<html>no server</html>", {"Content-Type": "text/html"}))
    done = cli("stats")
    assert done.returncode == 7
    assert "not available" in one_sentence(done)


HTML = {"Content-Type": "text/html"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>hello</html>", HTML),
        Answer(404, b"<html>not here</html>", HTML),
        Answer(404, b"[1", PROBLEM),
        Answer(200, b"{"),
        Answer(200, b"\xff\xfe"),
        Answer(200, b"[" * 100_000),
        Answer(200, {"tasks": []}),
        Answer(200, "a text"),
        Answer(200, [{"id": "x"}]),
        Answer(200, [{**TASK, "due_date": "2030-01-01"}]),
        Answer(200, [None]),
        Answer(204),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_failure(
    cli: Cli, gateway: FakeGateway, answer: Answer
) -> None:
    gateway.on("GET /tasks/", answer)
    done = cli("task", "list")
    assert done.returncode == 1
    one_sentence(done)


def test_a_redirect_is_not_followed(cli: Cli, gateway: FakeGateway) -> None:
    elsewhere = FakeGateway()
    elsewhere.on("GET /tasks/", Answer(body=[]))
    gateway.on("GET /tasks/", Answer(307, headers={"Location": f"{elsewhere.url}/api/v1/tasks/"}))
    done = cli("task", "list")
    elsewhere.close()
    assert done.returncode == 1
    assert "redirects" in one_sentence(done)
    assert elsewhere.requests == []


def test_the_next_page_is_never_fetched_from_elsewhere(cli: Cli, gateway: FakeGateway) -> None:
    elsewhere = FakeGateway()
    elsewhere.on("GET /tasks/", Answer(body=[TASK]))
    link = {"Link": f'<{elsewhere.url}/api/v1/tasks/?cursor=c1>; rel="next"'}
    gateway.on("GET /tasks/", Answer(body=[TASK], headers=link), Answer(body=[TASK]))
    assert len(cli.json("task", "list")) == 2
    elsewhere.close()
    assert elsewhere.requests == []


def test_an_expired_token_asks_for_a_new_login(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/me", problem(401, detail="Signature has expired"))
    done = cli("whoami")
    assert done.returncode == 4
    assert "has expired" in one_sentence(done)
    assert "login --username ada" in done.stderr


def test_a_wrong_password_is_told_in_the_servers_words(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/login", problem(401, detail="Wrong user name or password"))
    done = guest("login", "--username", "ada", "--password-stdin", stdin="nope\n")
    assert done.returncode == 4
    assert "Wrong user name or password. Try again" in one_sentence(done)


def test_without_a_login_nothing_is_sent(guest: Cli, gateway: FakeGateway) -> None:
    done = guest("task", "list")
    assert done.returncode == 4
    assert "tasktracker-cli login" in one_sentence(done)
    assert gateway.requests == []


def test_a_gateway_that_does_not_answer_is_unavailable(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /stats/", None)
    done = cli("stats", TASKTRACKER_TIMEOUT="0.2")
    assert done.returncode == 7
    assert "within 0.2 s" in one_sentence(done)


def test_a_gateway_that_is_away_is_unavailable(cli: Cli, gateway: FakeGateway) -> None:
    gateway.close()
    done = cli("stats")
    assert done.returncode == 7
    assert "cannot be reached" in one_sentence(done)
    assert "./just up" in done.stderr


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "tökén", 17.5, None, ""])
def test_a_token_that_is_none_is_not_kept(guest: Cli, gateway: FakeGateway, token: object) -> None:
    gateway.on("POST /auth/login", Answer(body={"access_token": token}))
    done = guest("login", "--username", "ada", "--password-stdin", stdin="pw\n")
    assert done.returncode == 1
    assert guest("whoami").returncode == 4


def test_escape_sequences_in_a_problem_do_not_reach_the_terminal(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("GET /stats/", problem(403, detail="\x1b]0;owned\x07 [red]no[/red] \u202e"))
    assert r"\x1b]0;owned\x07 [red]no[/red] \u202e" in one_sentence(cli("stats"))
