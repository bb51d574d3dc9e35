"""api METHOD PATH: what it sends, prints and ends with."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from cli.tests.conftest import GRANT, PROBLEM, TASK, USER, Answer, Cli, FakeGateway, logins_of
from cli.tests.on_terminal import COLOUR, on_terminal
from tasktracker_cli.logins.credentials import Login


def query(gateway: FakeGateway) -> dict[str, str]:
    return dict(parse_qsl(gateway.requests[-1].path.partition("?")[2]))


def test_a_body_is_printed_as_it_came(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body=b'{"id":7,  "title":"\\u0007"}'))
    done = cli("api", "get", "tasks/7")
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"id":7,  "title":"\\u0007"}', "")
    assert gateway.requests[-1].headers["authorization"] == "Bearer token-of-ada"


def test_a_terminal_gets_it_indented_and_harmless(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body={"title": "\x9b31m"}), Answer(body=b"\x1b[2Jtext"))
    _, shown = on_terminal(cli, "api", "GET", "tasks/7")
    assert shown == '{\r\n  "title": "\\u009b31m"\r\n}\r\n'
    _, shown = on_terminal(cli, "api", "GET", "tasks/7")
    assert shown == "\\x1b[2Jtext\r\n"


def test_a_path_with_a_slash_in_front_is_the_gateways_own(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /health", Answer(body={"status": "ok"}))
    assert guest("api", "GET", "/health").returncode == 0, "without a login"
    assert gateway.requests[-1].path == "/health"
    assert "authorization" not in gateway.requests[-1].headers


def test_fields_are_the_query_of_a_get(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[]))
    cli("api", "GET", "tasks/?limit=3", "-f", "q=a&b ü", "-F", "overdue=true")
    assert query(gateway) == {"limit": "3", "q": "a&b ü", "overdue": "true"}
    assert gateway.requests[-1].body == b""


def test_fields_are_an_object_in_other_requests(
    cli: Cli, gateway: FakeGateway, tmp_path: Path
) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    (tmp_path / "text").write_text("from a file")
    fields = ["-f", "title=7", "-F", "n=7", "-F", "x=1.5", "-F", "no=null", "-F", "word=tea=good"]
    done = cli("api", "POST", "tasks/", *fields, "-F", f"file=@{tmp_path / 'text'}")
    assert done.returncode == 0
    assert json.loads(gateway.requests[-1].body) == {
        "title": "7",
        "n": 7,
        "x": 1.5,
        "no": None,
        "word": "tea=good",
        "file": "from a file",
    }
    assert gateway.requests[-1].headers["content-type"] == "application/json"


def test_a_file_is_sent_as_it_is_and_fields_are_the_query(
    cli: Cli, gateway: FakeGateway, tmp_path: Path
) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    (tmp_path / "body").write_bytes(b" {}\xff")
    header = ["-H", "content-type: text/plain"]
    cli("api", "POST", "tasks/", "--input", str(tmp_path / "body"), "-f", "a=b", *header)
    assert gateway.requests[-1].body == b" {}\xff"
    assert gateway.requests[-1].headers["content-type"] == "text/plain"
    assert query(gateway) == {"a": "b"}
    cli("api", "POST", "tasks/", "--input", "-", stdin='{"title": "x"}')
    assert gateway.requests[-1].body == b'{"title": "x"}'


def page(first: int, cursor: str) -> Answer:
    link = {"Link": f'<http://elsewhere/api?cursor={cursor}>; rel="next"'} if cursor else {}
    return Answer(body=[{"id": first}, {"id": first + 1}], headers=link)


def test_all_pages_are_one_array(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", page(1, "a"), page(3, "b"), page(5, ""))
    done = cli("api", "GET", "tasks/?status=todo", "--paginate", "-f", "limit=2")
    assert [one["id"] for one in json.loads(done.stdout)] == [1, 2, 3, 4, 5, 6]
    assert query(gateway) == {"cursor": "b"}, "the link's own query, and at our gateway"
    gateway.on("GET /tasks/", page(1, "a"), page(3, ""))
    done = cli("api", "GET", "tasks/", "--paginate", "--jq", ".[].id")
    assert done.stdout == "1\n2\n3\n4\n"


def test_a_page_that_is_refused_ends_it(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", page(1, "a"), Answer(503, {"detail": "Away."}, PROBLEM))
    done = cli("api", "GET", "tasks/", "--paginate")
    assert done.returncode == 7
    assert json.loads(done.stdout) == {"detail": "Away."}


@pytest.mark.parametrize(("status", "code"), [(404, 5), (409, 6), (422, 2), (503, 7), (403, 1)])
def test_a_refusal_has_the_exit_code_of_every_command_and_its_body(
    cli: Cli, gateway: FakeGateway, status: int, code: int
) -> None:
    gateway.on("DELETE /tasks/7", Answer(status, {"detail": "No."}, PROBLEM))
    done = cli("api", "DELETE", "tasks/7", "--jq", ".id")
    assert (done.returncode, json.loads(done.stdout)) == (code, {"detail": "No."})
    assert done.stderr.startswith("error: No.")


@pytest.mark.parametrize(("status", "code"), [(404, 5), (405, 2)])
def test_a_path_or_method_that_is_not_there_leads_to_the_apis_documents(
    cli: Cli, gateway: FakeGateway, status: int, code: int
) -> None:
    gateway.on("DELETE /tasks/7", Answer(status, {"detail": "No."}, PROBLEM))
    done = cli("api", "DELETE", "tasks/7")
    assert done.returncode == code
    assert done.stderr.endswith(f"See what paths there are at {gateway.url}/docs\n")


def test_status_and_headers_come_first_on_request(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("DELETE /tasks/7", Answer(204, headers={"X-Request-ID": "abc"}))
    head = cli("api", "DELETE", "tasks/7", "-i").stdout.splitlines()
    assert head[0] == "HTTP 204"
    assert "x-request-id: abc" in head
    assert head[-1] == ""


def test_an_expired_login_is_renewed(guest: Cli, gateway: FakeGateway) -> None:
    logins_of(guest).save(gateway.url, Login("ada", "old", "refresh", 0.0))
    gateway.on("POST /auth/refresh", Answer(body=GRANT))
    gateway.on("GET /auth/me", Answer(body=USER))
    assert json.loads(guest("api", "GET", "auth/me").stdout) == USER
    assert gateway.requests[-1].headers["authorization"] == "Bearer second-access"


def test_a_login_that_is_over_is_told_as_everywhere(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/me", Answer(401, {"detail": "Expired."}, PROBLEM))
    done = cli("api", "GET", "auth/me")
    assert done.returncode == 4
    assert "Log in again" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["GET", "http://elsewhere/api"],
        ["GET", "a b"],
        ["GET", "tasks/\n"],
        ["GET", "ü"],
        ["G T", "tasks/"],
        ["POST", "tasks/", "-f", "title"],
        ["POST", "tasks/", "-f", "=x"],
        ["POST", "tasks/", "--input", "/none/such"],
        ["POST", "tasks/", "-F", "x=@/none/such"],
        ["POST", "tasks/", "--paginate"],
        ["GET", "tasks/", "-H", "no colon"],
        ["GET", "tasks/", "-H", "X-A: b\r\nX-C: d"],
        ["GET", "tasks/", "-H", "Authorization: Bearer mine"],
    ],
)
def test_what_makes_no_request_is_usage(cli: Cli, gateway: FakeGateway, words: list[str]) -> None:
    done = cli("api", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert gateway.requests == []


def test_jq_takes_json_only(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=b"text"), Answer(body={}))
    assert cli("api", "GET", "tasks/", "--jq", ".").returncode == 1
    assert cli("api", "GET", "tasks/", "--paginate").returncode == 1


def test_the_real_services_are_asked_in_the_same_way(user: Cli) -> None:
    for number in range(3):
        done = user("api", "POST", "tasks/", "-f", f"title=Task {number}", "-F", "priority=high")
        assert done.returncode == 0
    made: list[Any] = json.loads(user("api", "GET", "tasks/?limit=2", "--paginate").stdout)
    assert [task["title"] for task in made] == ["Task 2", "Task 1", "Task 0"]
    refused = user("api", "POST", "tasks/", "-F", "title=7")
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["errors"][0]["field"] == "title"
    assert COLOUR.sub("", refused.stderr).startswith("error: The title must be ")
