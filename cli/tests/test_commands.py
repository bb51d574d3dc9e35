"""What each command sends, prints and says."""

import json
import os
import signal
import subprocess
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from cli.tests.conftest import PROGRAM, TASK, USER, Answer, Cli, FakeGateway
from cli.tests.on_terminal import on_terminal

STATS = {
    "total_tasks": 3,
    "completed_tasks": 1,
    "pending_tasks": 2,
    "completion_percentage": 33.33,
    "overdue_tasks": 1,
    "by_status": {"todo": 1, "in_progress": 1, "done": 1},
    "by_priority": {"low": 0, "medium": 2, "high": 1},
}


def sent(gateway: FakeGateway) -> Any:
    return json.loads(gateway.requests[-1].body)


NAMES = ["--username", "ada", "--email", "ada@example.com"]


def test_register_makes_the_account_and_logs_in(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/register", Answer(201, USER))
    gateway.on("POST /auth/login", Answer(body={"access_token": "fresh-token"}))
    gateway.on("GET /auth/me", Answer(body=USER))
    done = guest("register", *NAMES, "--password-stdin", stdin="a b \n")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(
        f"✓ Made the account ada.\n✓ Logged in as ada at {gateway.url}.\n"
    )
    assert sent(gateway) == {"username": "ada", "password": "a b "}
    assert guest("whoami").returncode == 0
    assert gateway.requests[-1].headers["authorization"] == "Bearer fresh-token"


def test_register_without_a_login_says_how_to_log_in(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/register", Answer(201, USER))
    names = [*NAMES, "--full-name", "Ada L.", "--no-login"]
    done = guest("register", *names, "--password-stdin", stdin="a b \n")
    assert (done.returncode, done.stdout) == (0, "")
    assert "tasktracker-cli login --username ada" in done.stderr
    assert sent(gateway) == {
        "username": "ada",
        "email": "ada@example.com",
        "full_name": "Ada L.",
        "password": "a b ",
    }


def test_login_keeps_the_token_for_the_calls_that_follow(guest: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /auth/login", Answer(body={"access_token": "fresh-token"}))
    gateway.on("GET /auth/me", Answer(body=USER))
    done = guest("login", "--username", "ada", "--password-stdin", stdin="secret\r\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert sent(gateway) == {"username": "ada", "password": "secret"}
    assert guest("whoami").returncode == 0
    assert gateway.requests[-1].headers["authorization"] == "Bearer fresh-token"


def test_the_token_goes_only_to_the_gateway_that_issued_it(cli: Cli) -> None:
    other = FakeGateway()
    done = cli("--url", other.url, "whoami")
    other.close()
    assert done.returncode == 4
    assert other.requests == []


@pytest.mark.parametrize("place", ["before", "after"])
def test_the_address_can_stand_before_or_after_the_command(
    cli: Cli, gateway: FakeGateway, place: str
) -> None:
    gateway.on("GET /auth/me", Answer(body=USER))
    url = ["--url", gateway.url]
    command = [*url, "whoami"] if place == "before" else ["whoami", *url]
    assert cli(*command, TASKTRACKER_URL="http://127.0.0.1:9").returncode == 0
    assert gateway.requests[-1].headers["authorization"] == "Bearer token-of-ada"


def test_whoami_shows_the_user(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /auth/me", Answer(body=USER))
    assert cli.json("whoami") == USER
    assert "ada@example.com" in cli("whoami").stdout


def test_logout_forgets_the_token(cli: Cli) -> None:
    assert cli("logout").returncode == 0
    assert cli("whoami").returncode == 4
    assert "were not logged in" in cli("logout").stderr


def test_create_sends_what_was_given_with_an_idempotency_key(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    options = ["--status", "in_progress", "--priority", "high", "--due", "2030-01-31"]
    assert cli.json("task", "create", "Buy milk", *options) == TASK
    assert sent(gateway) == {
        "title": "Buy milk",
        "status": "in_progress",
        "priority": "high",
        "due_date": "2030-01-31T23:59:59+01:00",
    }
    assert uuid.UUID(gateway.requests[-1].headers["idempotency-key"]).version == 4


@pytest.mark.parametrize("command", [["create", "Tea"], ["update", "7"]], ids=["create", "update"])
def test_a_description_comes_from_a_file_or_standard_input(
    cli: Cli, gateway: FakeGateway, tmp_path: Path, command: list[str]
) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on("PATCH /tasks/7", Answer(body=TASK))
    file = tmp_path / "notes.md"
    file.write_text("two\nlines\n")
    for name, text in ((str(file), ""), ("-", "two\nlines\n")):
        assert cli("task", *command, "--description-file", name, stdin=text).returncode == 0
        assert sent(gateway)["description"] == "two\nlines"


@pytest.mark.parametrize(
    "options",
    [
        ["--description-file", "/none/such"],
        ["--description-file", "-", "--description", "x"],
        ["--description-file", "/bin/true"],
    ],
)
def test_a_description_that_cannot_be_read_is_usage(
    cli: Cli, gateway: FakeGateway, options: list[str]
) -> None:
    assert cli("task", "create", "Tea", *options).returncode == 2
    assert cli("task", "update", "-", "--description-file", "-", stdin="7").returncode == 2
    assert gateway.requests == []


def test_create_shows_the_task_and_says_that_it_is_there(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    done = cli("task", "create", "Water the plants")
    assert done.stderr == "✓ Created task 7.\n"
    assert done.stdout.splitlines()[0] == "#7 Water the plants"


def test_a_title_that_looks_like_an_option_follows_two_dashes(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    assert cli("task", "create", "--", "--yes").returncode == 0
    assert sent(gateway) == {"title": "--yes"}


def test_text_that_is_not_utf_8_is_refused(cli: Cli, gateway: FakeGateway) -> None:
    done = cli("task", "create", "caf\udce9")
    assert done.returncode == 2
    assert "Title has a character that is not text." in done.stderr
    assert gateway.requests == []


def test_update_sends_only_what_was_named(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on("PATCH /tasks/7", Answer(body=TASK))
    assert cli.json("task", "update", "7", "--title", "New", "--no-due") == TASK
    assert sent(gateway) == {"title": "New", "due_date": None}
    assert cli("task", "update", "7", "--no-description").returncode == 0
    assert sent(gateway) == {"description": None}


@pytest.mark.parametrize(("command", "path"), [("complete", "complete"), ("reopen", "incomplete")])
def test_complete_and_reopen_show_the_task(
    cli: Cli, gateway: FakeGateway, command: str, path: str
) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on(f"PATCH /tasks/7/{path}", Answer(body=TASK))
    assert cli.json("task", command, "7") == TASK


def test_delete_with_yes_does_not_ask(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("DELETE /tasks/7", Answer(204))
    done = cli("task", "delete", "7", "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "✓ Deleted task 7.\n")


def test_delete_without_a_terminal_needs_yes(cli: Cli, gateway: FakeGateway) -> None:
    done = cli("task", "delete", "7", stdin="y\n")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert gateway.requests == []


def test_list_follows_the_pages_up_to_the_limit(cli: Cli, gateway: FakeGateway) -> None:
    def page(first: int, cursor: str) -> Answer:
        link = {"Link": f'</api/v1/tasks/?limit=200&status=todo&cursor={cursor}>; rel="next"'}
        return Answer(body=[{**TASK, "id": first + n} for n in range(200)], headers=link)

    gateway.on("GET /tasks/", page(0, "c1"), page(200, "c2"))
    done = cli("task", "list", "--status", "todo", "--limit", "250", "--json")
    assert [task["id"] for task in json.loads(done.stdout)] == list(range(250))
    assert "higher --limit" in done.stderr
    assert [request.path.partition("?")[2] for request in gateway.requests] == [
        "status=todo&limit=200",
        "limit=50&status=todo&cursor=c1",
    ]


def test_list_stops_when_there_are_no_more(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    done = cli("task", "list", "--limit", "1")
    assert done.stderr == ""
    assert len(gateway.requests) == 1


def test_a_list_in_a_pipe_is_plain_and_whole(cli: Cli, gateway: FakeGateway) -> None:
    title = "long " * 40 + "[bold]end[/bold] :smile: \x1b[31m"
    due = "2030-01-31T22:59:59Z"
    tasks = [{**TASK, "title": title, "status": "in_progress", "due_date": due}, TASK]
    gateway.on("GET /tasks/", Answer(body=tasks))
    header, first, second = cli("task", "list", FORCE_COLOR="").stdout.splitlines()
    assert header.split("\t") == ["ID", "TITLE", "STATUS", "PRIORITY", "DUE"]
    assert title.replace("\x1b", r"\x1b") in first
    assert first.split("\t")[2:] == ["in_progress", "medium", "2030-01-31 23:59"]
    assert second.split("\t") == ["7", "Water the plants", "todo", "medium", "-"]


def test_an_empty_list_says_how_to_begin(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[]))
    done = cli("task", "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert 'tasktracker-cli task create "..."' in done.stderr
    assert "No task fits" in cli("task", "list", "--status", "done").stderr
    assert cli.json("task", "list") == []


def test_show_keeps_the_lines_of_a_description(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body={**TASK, "description": "one\n\n  two\x1b[2J"}))
    assert cli("task", "show", "7").stdout.splitlines()[-3:] == ["one", "", r"  two\x1b[2J"]


def test_stats_are_the_apis_object_or_a_summary(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /stats/", Answer(body=STATS))
    assert cli.json("stats") == STATS
    lines = cli("stats").stdout.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [
        ["Tasks", "3"],
        ["Done", "1 (33.33%)"],
        ["Overdue", "1"],
        ["Status", "todo 1, in_progress 1, done 1"],
        ["Priority", "low 0, medium 2, high 1"],
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["nonsense"],
        ["task", "show", "x"],
        ["task", "show", "0"],
        ["task", "create"],
        ["task", "create", "x", "--status", "odd"],
        ["task", "create", "x", "--due", "someday"],
        ["task", "list", "--limit", "0"],
        ["task", "update", "7"],
        ["task", "update", "7", "--due", "2030-01-01", "--no-due"],
        ["register"],
        ["register", "--username", "ada", "--password-stdin"],
        ["login"],
        ["login", "--username", "ada"],
        ["login", "--username", "ada", "--password-stdin"],
        ["login", "--username", "ada", "--password", "secret"],
        ["--url", "localhost", "whoami"],
    ],
)
def test_a_wrong_command_line_is_usage(cli: Cli, command: list[str]) -> None:
    done = cli(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_version_is_the_packages(isolated: Cli) -> None:
    version = metadata.version("tasktracker-cli")
    assert isolated("--version").stdout == f"tasktracker-cli {version}\n"


@pytest.mark.parametrize("command", [["--version"], ["--help"], ["task", "list", "--help"], []])
def test_what_needs_no_gateway_loads_nothing_heavy(isolated: Cli, command: list[str]) -> None:
    done = isolated(*command, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert loaded.isdisjoint({"httpx", "rich", "tasktracker_cluster", "pydantic"})


def test_a_closed_pipe_is_silent(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [PROGRAM, "task", "list"], stdout=writer, stderr=subprocess.PIPE, env=cli.env
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_is_one_sentence(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [PROGRAM, "task", "list"], stdout=full, stderr=subprocess.PIPE, env=cli.env
        )
    assert done.returncode == 1
    assert done.stderr == b"error: The output cannot be written: No space left on device.\n"


def test_a_terminal_without_utf_8_gets_escapes(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[{**TASK, "title": "Grüße"}]))
    assert r"Gr\xfc\xdfe" in cli("task", "list", PYTHONIOENCODING="ascii").stdout


def test_glyphs_are_letters_on_a_terminal_whose_encoding_lacks_them(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("GET /tasks/", Answer(body=[{**TASK, "title": "\u65e5 due"}]))
    _, shown = on_terminal(cli, "task", "list", PYTHONIOENCODING="latin-1")
    assert "o todo" in shown
    assert r"\u65e5 due" in shown
    assert shown.count("\\u") == 1


def test_ctrl_c_ends_with_130(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /stats/", None)
    running = subprocess.Popen(
        [PROGRAM, "stats"], env=cli.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not gateway.requests:
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b"Traceback" not in said
