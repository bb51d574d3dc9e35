"""task list: what it asks for, and how it watches."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from cli.tests.conftest import PROBLEM, PROGRAM, TASK, Answer, Cli, FakeGateway
from cli.tests.on_terminal import COLOUR, CTRL_C, on_terminal


def query(gateway: FakeGateway) -> dict[str, str]:
    return dict(parse_qsl(gateway.requests[-1].path.partition("?")[2]))


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["--status", "done", "--priority", "high"], {"status": "done", "priority": "high"}),
        (["--search", "a&b ü"], {"q": "a&b ü"}),
        (["--overdue"], {"overdue": "true"}),
        (["--not-overdue"], {"overdue": "false"}),
        (["--sort=-due_date"], {"sort": "-due_date"}),
        (["--due-before", "2030-07-31"], {"due_before": "2030-07-31T00:00:00+02:00"}),
        (["--due-after", "2030-07-31"], {"due_after": "2030-08-01T00:00:00+02:00"}),
        (["--due-after", "2030-07-31 12:00"], {"due_after": "2030-07-31T12:00:00+02:00"}),
    ],
)
def test_filters_are_the_apis(
    cli: Cli, gateway: FakeGateway, options: list[str], asked: dict[str, str]
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    assert cli("task", "list", *options).returncode == 0
    assert query(gateway) == asked | {"limit": "50"}


def page(first: int, count: int, cursor: str) -> Answer:
    link = {"Link": f'</api/v1/tasks/?cursor={cursor}>; rel="next"'} if cursor else {}
    return Answer(body=[{**TASK, "id": first + n} for n in range(count)], headers=link)


def test_all_are_as_many_as_there_are(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", page(0, 200, "a"), page(200, 200, "b"), page(400, 3, ""))
    done = cli("task", "list", "--all", "--quiet")
    assert done.stdout.split() == [str(number) for number in range(403)]
    assert done.stderr == ""
    assert query(gateway) == {"limit": "200", "cursor": "b"}


def test_pages_are_printed_as_they_arrive(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", page(0, 200, "a"), None)
    running = subprocess.Popen(
        [PROGRAM, "task", "list", "--all", "-o", "ndjson"],
        env=cli.env,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert running.stdout
    first = [json.loads(running.stdout.readline())["id"] for _ in range(200)]
    assert first == list(range(200))
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert running.returncode == 130


@pytest.mark.parametrize(
    "options",
    [
        ["--all", "--limit", "3"],
        ["--due-before", "someday"],
        ["--due-before", ""],
        ["--sort", "odd"],
        ["--watch"],
        ["--watch", "--json"],
        ["--watch", "--every", "0"],
    ],
)
def test_what_makes_no_sense_is_usage(cli: Cli, gateway: FakeGateway, options: list[str]) -> None:
    assert cli("task", "list", *options).returncode == 2
    assert gateway.requests == []


def test_a_program_that_watches_is_told_each_change_once(cli: Cli, gateway: FakeGateway) -> None:
    changed = {**TASK, "updated_at": "2030-01-03T00:00:00Z"}
    lists: list[list[Any]] = [[TASK], [TASK], [{**TASK, "id": 8}, changed]]
    gateway.on("GET /tasks/", *(Answer(body=tasks) for tasks in lists))
    running = subprocess.Popen(
        [PROGRAM, "task", "list", "--watch", "--every", "0.5", "-o", "ndjson"],
        env=cli.env,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert running.stdout
    told = [json.loads(running.stdout.readline()) for _ in range(3)]
    assert told == [TASK, {**TASK, "id": 8}, changed]
    running.send_signal(signal.SIGINT)
    rest, _ = running.communicate(timeout=30)
    assert (running.returncode, rest) == (0, "")


def test_a_program_that_watches_is_told_what_has_gone(cli: Cli, gateway: FakeGateway) -> None:
    eight = {**TASK, "id": 8}
    lists: list[list[Any]] = [[TASK, eight], [eight], []]
    gateway.on("GET /tasks/", *(Answer(body=tasks) for tasks in lists))
    gateway.on("GET /tasks/7", Answer(404, {"detail": "There is no task 7."}, PROBLEM))
    gateway.on("GET /tasks/8", Answer(body={**eight, "status": "done"}))
    options = ["--watch", "--every", "0.5", "--status", "todo", "--fields", "id"]
    running = subprocess.Popen(
        [PROGRAM, "task", "list", *options, "-o", "ndjson"],
        env=cli.env,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert running.stdout
    told = [json.loads(running.stdout.readline()) for _ in range(4)]
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    gone = [{"event": "deleted", "id": 7}, {"event": "left", "id": 8}]
    assert told == [{"id": 7}, {"id": 8}, *gone]


def test_a_dumb_terminal_gets_the_list_again_when_it_has_changed(
    cli: Cli, gateway: FakeGateway
) -> None:
    second = Answer(body=[{**TASK, "title": "Second look"}])
    gateway.on("GET /tasks/", Answer(body=[TASK]), Answer(body=[TASK]), Answer(503, b""), second)
    code, shown = on_terminal(
        cli,
        *("task", "list", "--watch", "--every", "0.5"),
        typed={"Second look": CTRL_C},
        TERM="dumb",
    )
    assert code == 0
    assert "\x1b" not in shown
    assert shown.count("Water the plants") == 1
    assert shown.index("Water the plants") < shown.index("not available") < shown.index("Second")


def test_a_watch_says_that_there_are_more_tasks(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", page(0, 2, "a"))
    options = ["--watch", "--limit", "2"]
    _, shown = on_terminal(cli, "task", "list", *options, typed={"Water": CTRL_C})
    assert "The first 2 tasks, every 2 s" in COLOUR.sub("", shown)


STATUSES = ("todo", "in_progress", "done")
SORTS = ("created_at", "due_date", "priority", "title")


@pytest.fixture
def many(user: Cli, tmp_path: Path) -> Cli:
    """Give a user with tasks that are alike in parts, so that orders have ties."""
    rows = [
        {
            "title": f"{'aBcÄ'[n % 4]}{n % 3}",
            "status": STATUSES[n % 3],
            "priority": ("low", "medium", "high")[n % 5 % 3],
            "due_date": None if n % 4 == 0 else f"2030-01-{n % 7 + 1:02}",
        }
        for n in range(30)
    ]
    file = tmp_path / "many.ndjson"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert user("task", "import", str(file)).returncode == 0
    return user


def test_several_statuses_are_one_list_in_the_apis_order(many: Cli) -> None:
    for sort in (*SORTS, *(f"-{field}" for field in SORTS)):
        every = many.json("task", "list", f"--sort={sort}")
        for statuses in (("todo", "in_progress"), ("done", "TODO")):
            options = [word for status in statuses for word in ("-s", status)]
            wanted = {status.lower() for status in statuses}
            found = many.json("task", "list", f"--sort={sort}", *options)
            assert found == [task for task in every if task["status"] in wanted], sort
    opened = many.json("task", "list", "--open")
    assert {task["status"] for task in opened} == {"todo", "in_progress"}


def test_several_statuses_are_limited_together(many: Cli) -> None:
    every = many.json("task", "list", "--open")
    assert len(every) == 20
    done = many("task", "list", "--open", "-n", "7", "--json")
    assert json.loads(done.stdout) == every[:7]
    assert "more tasks than 7" in done.stderr
    for limit in ("20", "21"):
        done = many("task", "list", "--open", "-n", limit, "--json")
        assert (json.loads(done.stdout), done.stderr) == (every, "")


def test_pages_of_several_statuses_arrive_whole(cli: Cli, gateway: FakeGateway) -> None:
    def listed(status: str, ids: range) -> Answer:
        tasks = [{**TASK, "id": number, "status": status} for number in ids]
        return Answer(body=tasks)

    gateway.on(
        "GET /tasks/", listed("todo", range(600, 0, -2)), listed("in_progress", range(599, 0, -2))
    )
    done = cli("task", "list", "--open", "--all", "-q")
    assert done.stdout.split() == [str(number) for number in range(600, 0, -1)]


def test_status_and_open_contradict_each_other(cli: Cli, gateway: FakeGateway) -> None:
    assert cli("task", "list", "--open", "--status", "done").returncode == 2
    assert gateway.requests == []


def test_a_search_for_nothing_names_the_option(cli: Cli, gateway: FakeGateway) -> None:
    done = cli("task", "list", "--search", "")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --search is empty.")


def test_a_terminal_can_watch_some_fields(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    options = ["--watch", "--fields", "id,owner_id"]
    code, shown = on_terminal(cli, "task", "list", *options, typed={"owner_id": CTRL_C})
    assert code == 0
    assert "Water the plants" not in shown


def test_a_terminal_is_redrawn_and_given_back(cli: Cli, gateway: FakeGateway) -> None:
    second = {**TASK, "title": "Second look"}
    gateway.on("GET /tasks/", Answer(body=[TASK]), Answer(503, b""), Answer(body=[second]))
    code, shown = on_terminal(
        cli, "task", "list", "--watch", "--every", "0.5", typed={"Second look": CTRL_C}
    )
    assert code == 0
    assert "not available. Trying again" in COLOUR.sub("", shown)
    # The screen and the cursor are the user's again.
    for taken, given in (("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?25l", "\x1b[?25h")):
        assert 0 <= shown.rindex(taken) < shown.rindex(given)
