"""The task commands with several ids, and what they would do."""

import json
import subprocess
from pathlib import Path

import pytest

from cli.tests.conftest import PROBLEM, PROGRAM, TASK, Answer, Cli, FakeGateway
from cli.tests.on_terminal import COLOUR, on_terminal

MISSING = Answer(404, {"detail": "There is no task 5."}, PROBLEM)
CALLS = {"complete": "/complete", "reopen": "/incomplete"}


def calls(gateway: FakeGateway) -> list[str]:
    return [
        f"{request.method} {request.path.removeprefix('/api/v1')}" for request in gateway.requests
    ]


@pytest.mark.parametrize("command", CALLS)
def test_a_failure_is_told_and_the_rest_is_done(
    cli: Cli, gateway: FakeGateway, command: str
) -> None:
    path = CALLS[command]
    for number in (3, 5, 7):
        gateway.on(f"GET /tasks/{number}", Answer(body={**TASK, "id": number}))
    gateway.on(f"PATCH /tasks/3{path}", Answer(body={**TASK, "id": 3}))
    gateway.on(f"PATCH /tasks/5{path}", MISSING)
    gateway.on(f"PATCH /tasks/7{path}", Answer(body=TASK))
    done = cli("task", command, "3", "5", "#7", "3", "--quiet")
    assert (done.returncode, done.stdout) == (5, "3\n7\n")
    assert "error: There is no task 5." in done.stderr
    assert calls(gateway) == [
        call for n in (3, 5, 7) for call in (f"GET /tasks/{n}", f"PATCH /tasks/{n}{path}")
    ]


def test_several_are_an_array_and_one_is_an_object(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on("GET /tasks/8", Answer(body={**TASK, "id": 8}))
    assert cli.json("task", "show", "7") == TASK
    assert [task["id"] for task in cli.json("task", "show", "7", "8")] == [7, 8]


def test_ids_are_separated_by_spaces_or_commas(cli: Cli, gateway: FakeGateway) -> None:
    for number in (4, 5, 6, 7):
        gateway.on(f"DELETE /tasks/{number}", Answer(204))
    done = cli("task", "delete", "--yes", "4,5", "#6,", "-", stdin="7, 4\n")
    assert done.returncode == 2, "nothing is between the comma and the end"
    assert gateway.requests == []
    assert cli("task", "delete", "--yes", "4,5", "#6", "-", stdin="7, 4\n").returncode == 0
    assert calls(gateway) == [f"DELETE /tasks/{number}" for number in (4, 5, 6, 7)]


def test_the_worst_failure_is_the_exit_code(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("DELETE /tasks/5", MISSING)
    gateway.on("DELETE /tasks/6", Answer(503, {"detail": "Overloaded, as 66."}, PROBLEM))
    gateway.on("DELETE /tasks/7", Answer(204))
    done = cli("task", "delete", "5", "6", "7", "--yes")
    assert done.returncode == 7
    assert "error: Task 6: Overloaded, as 66." in done.stderr
    assert "✓ Deleted task 7." in done.stderr


def test_what_no_task_can_survive_is_told_once(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/5", Answer(401, {"detail": "Expired"}, PROBLEM))
    done = cli("task", "show", "5", "6", "7")
    assert done.returncode == 4
    assert done.stderr.count("error:") == 1


def test_ids_come_from_standard_input(cli: Cli, gateway: FakeGateway) -> None:
    for number in (3, 7):
        gateway.on(f"GET /tasks/{number}", Answer(body={**TASK, "id": number}))
        gateway.on(f"PATCH /tasks/{number}/complete", Answer(body=TASK))
    assert cli("task", "complete", "-", stdin="3\n7\n").returncode == 0
    assert len(gateway.requests) == 4


def test_no_ids_on_standard_input_are_nothing_to_do(cli: Cli, gateway: FakeGateway) -> None:
    for command in (["complete", "-"], ["delete", "-", "--yes"]):
        done = cli("task", *command, stdin="")
        assert (done.returncode, done.stdout) == (0, "")
        assert "nothing to do" in done.stderr


@pytest.mark.parametrize("bad", ["x", "0", "-5", "1.5", "99999999999", "٣"])
def test_what_is_no_id_stops_everything(cli: Cli, gateway: FakeGateway, bad: str) -> None:
    done = cli("task", "complete", "--", "3", bad)
    assert done.returncode == 2
    assert gateway.requests == []


def test_a_dry_run_says_what_would_be_sent_and_changes_nothing(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK, headers={"ETag": '"3"'}))
    create = cli.json("task", "create", "A", "--due", "2030-01-31T12:00Z", "--dry-run")
    assert create == {
        "method": "POST",
        "path": "/api/v1/tasks/",
        "body": {"title": "A", "due_date": "2030-01-31T13:00:00+01:00"},
    }
    update = cli.json("task", "update", "7", "--no-due", "--dry-run")
    assert update == {
        "method": "PATCH",
        "path": "/api/v1/tasks/7",
        "headers": {"If-Match": '"3"'},
        "body": {"due_date": None},
    }
    gateway.on("GET /tasks/8", Answer(body={**TASK, "id": 8}))
    for command, path in CALLS.items():
        done = cli("task", command, "7", "8", "--dry-run")
        assert done.stdout == f"PATCH /api/v1/tasks/7{path}\nPATCH /api/v1/tasks/8{path}\n"
    done = cli("task", "delete", "7", "--dry-run")
    assert done.stdout == "DELETE /api/v1/tasks/7\n"
    assert "7  Water the plants" in done.stderr
    assert {call.split()[0] for call in calls(gateway)} == {"GET"}


@pytest.mark.parametrize(
    "command", [["complete"], ["reopen"], ["delete"], ["update", "--title", "New"]]
)
def test_a_dry_run_fails_as_the_run_would_for_a_task_that_is_not_there(
    cli: Cli, gateway: FakeGateway, command: list[str]
) -> None:
    gateway.on("GET /tasks/5", MISSING)
    gateway.on("GET /tasks/7", Answer(body=TASK))
    done = cli("task", *command, "5", "7", "--dry-run")
    assert done.returncode == 5
    assert "There is no task 5." in done.stderr
    assert "/api/v1/tasks/7" in done.stdout
    assert {request.method for request in gateway.requests} == {"GET"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([""], "The title is empty."),
        (["x" * 256], "Title has 256 characters, 255 are the most."),
        (["x", "--description", "x" * 10_001], "Description has 10,001 characters"),
    ],
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_what_the_service_would_refuse_is_told_before_it_is_sent(
    cli: Cli, gateway: FakeGateway, words: list[str], said: str, dry: list[str]
) -> None:
    done = cli("task", "create", *words, *dry)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert gateway.requests == []


def test_a_dry_run_asks_for_a_login(guest: Cli, gateway: FakeGateway) -> None:
    for command in (["create", "A"], ["complete", "7"], ["delete", "7"]):
        assert guest("task", *command, "--dry-run").returncode == 4


def test_several_tasks_are_shown_in_full(cli: Cli, gateway: FakeGateway) -> None:
    title = "long " * 40
    gateway.on("GET /tasks/5", Answer(body={**TASK, "id": 5, "description": "Why it matters"}))
    gateway.on("GET /tasks/6", Answer(body={**TASK, "id": 6, "title": title}))
    shown = cli("task", "show", "5", "6").stdout
    assert f"#5 {TASK['title']}\nStatus" in shown
    assert "\n\nWhy it matters\n\n#6 long" in shown
    _, shown = on_terminal(cli, "task", "show", "5", "6", "--no-pager", width=60)
    assert "Why it matters" in shown
    assert COLOUR.sub("", shown).replace("\r\n", " ").count("long") == 40


def test_ids_that_are_piped_are_asked_about_on_the_terminal(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on("DELETE /tasks/7", Answer(204))
    piped = f"echo 7 | {PROGRAM} task delete -"
    for reply, code, calls in (("n\n", 1, ["GET"]), ("y\n", 0, ["GET", "DELETE"])):
        gateway.requests.clear()
        typed = {"Delete this task? [y/N]: ": reply}
        left, _ = on_terminal(cli, "-c", piped, typed=typed, program=Path("/bin/sh"))
        assert (left, [request.method for request in gateway.requests]) == (code, calls)


def test_ids_that_are_piped_without_a_terminal_need_yes(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK))
    done = subprocess.run(
        ["setsid", "--wait", PROGRAM, "task", "delete", "-"],
        input=b"7\n",
        capture_output=True,
        env=cli.env,
    )
    assert done.returncode == 2
    assert b"--yes" in done.stderr
    assert [request.method for request in gateway.requests] == ["GET"]


def test_delete_asks_once_for_several_and_deletes_what_was_shown(
    cli: Cli, gateway: FakeGateway
) -> None:
    for number in (7, 8):
        shown = {**TASK, "id": number, "title": f"Title {number}"}
        gateway.on(f"GET /tasks/{number}", Answer(body=shown, headers={"ETag": f'"v{number}"'}))
        gateway.on(f"DELETE /tasks/{number}", Answer(204))
    gateway.on("GET /tasks/5", MISSING)
    arguments = ["task", "delete", "5", "7", "8"]
    code, shown_text = on_terminal(cli, *arguments, typed={"these 2 tasks? [y/N]: ": "y\n"})
    assert code == 5
    assert "7  Title 7" in shown_text
    assert [request.headers.get("if-match") for request in gateway.requests[-2:]] == [
        '"v7"',
        '"v8"',
    ]


def test_the_due_date_is_shown_back_before_it_is_saved(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /tasks/", Answer(503, b""))
    done = cli("task", "create", "A", "--due", "31 dec 2030 5pm")
    assert done.stderr.startswith("✓ Due Tue 31 Dec 2030, 17:00 (in ")
    assert done.returncode == 7


def test_a_past_due_date_is_taken_and_told(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    done = cli("task", "create", "A", "--due", "2020-01-01")
    assert done.returncode == 0
    assert "in the past" in done.stderr


@pytest.mark.parametrize("none", [["--due", "none"], ["--no-due"]])
def test_a_due_date_can_be_removed(cli: Cli, gateway: FakeGateway, none: list[str]) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on("PATCH /tasks/7", Answer(body=TASK))
    assert cli("task", "update", "7", *none).returncode == 0
    assert json.loads(gateway.requests[-1].body) == {"due_date": None}


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_create_is_tried_once_more_with_the_same_key(
    cli: Cli, gateway: FakeGateway, status: int
) -> None:
    gateway.on("POST /tasks/", Answer(status, b""), Answer(201, TASK))
    assert cli("task", "create", "A").returncode == 0
    keys = [request.headers["idempotency-key"] for request in gateway.requests]
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize(("answer", "calls", "code"), [(503, 2, 7), (429, 1, 7), (422, 1, 2)])
def test_a_create_is_not_tried_for_ever(
    cli: Cli, gateway: FakeGateway, answer: int, calls: int, code: int
) -> None:
    gateway.on("POST /tasks/", Answer(answer, {"detail": "No."}, PROBLEM))
    assert cli("task", "create", "A").returncode == code
    assert len(gateway.requests) == calls


def test_a_create_does_not_wait_for_long(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /tasks/", Answer(503, {"detail": "No."}, {**PROBLEM, "Retry-After": "60"}))
    done = cli("task", "create", "A")
    assert done.returncode == 7
    assert "Try again in 60 s." in done.stderr
    assert len(gateway.requests) == 1


def test_a_quiet_dry_run_prints_no_id(cli: Cli, gateway: FakeGateway) -> None:
    done = cli("task", "create", "A", "--dry-run", "--quiet")
    assert (done.returncode, done.stdout) == (0, "")
    assert gateway.requests == []
