"""Short names of commands, and those that a user makes."""

import json
from pathlib import Path

import pytest

from cli.tests.conftest import TASK, Answer, Cli, FakeGateway


@pytest.mark.parametrize("group", [[], ["task"]])
def test_the_names_that_people_type(cli: Cli, gateway: FakeGateway, group: list[str]) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    gateway.on("POST /tasks/", Answer(201, TASK))
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on("PATCH /tasks/7/complete", Answer(body=TASK))
    gateway.on("DELETE /tasks/7", Answer(204))
    assert cli(*group, "ls", "-q").stdout == "7\n"
    assert cli(*group, "add", "Tea", "-p", "HIGH", "-s", "done", "-d", "2030-01-31").returncode == 0
    assert json.loads(gateway.requests[-1].body)["priority"] == "high"
    assert cli(*group, "done", "7").returncode == 0
    assert cli(*group, "rm", "7", "-y").returncode == 0
    assert gateway.requests[-1].method == "DELETE"


def test_an_alias_stands_for_a_command_and_its_options(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    done = cli("alias", "set", "late", "task list --overdue")
    assert (done.returncode, done.stderr) == (
        0,
        "✓ late stands for: tasktracker-cli task list --overdue\n",
    )
    assert cli("late", "--quiet").stdout == "7\n"
    assert "overdue=true" in gateway.requests[-1].path
    assert cli("--url", gateway.url, "late", "-n", "3").returncode == 0
    assert "limit=3" in gateway.requests[-1].path
    assert cli.json("alias", "list") == [{"name": "late", "expansion": "task list --overdue"}]
    assert cli("alias", "list", "-q").stdout == "late\n"
    assert cli("alias", "delete", "late").returncode == 0
    assert cli("late").returncode == 2


def test_places_take_arguments_and_the_rest_follows(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    cli("alias", "set", "urgent", 'task create "$2: $1" --priority high')
    done = cli("urgent", "two words; $(id)", "Ada", "--status", "done")
    assert done.returncode == 0
    assert json.loads(gateway.requests[-1].body) == {
        "title": "Ada: two words; $(id)",
        "priority": "high",
        "status": "done",
    }
    done = cli("urgent", "alone")
    assert done.returncode == 2
    assert "needs 2 arguments" in done.stderr


def test_an_alias_may_stand_for_a_short_name_and_not_for_itself(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    cli("alias", "set", "l", "task ls --quiet")
    assert cli("l").stdout == "7\n"
    cli("alias", "set", "again", "again")
    assert cli("again").returncode == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["set", "list"], 2),
        (["set", "task", "stats"], 6),
        (["set", "api", "stats"], 6),
        (["set", "a b", "stats"], 2),
        (["set", "-x", "stats"], 2),
        (["set", "x", ""], 2),
        (["set", "x", 'task create "open'], 2),
        (["delete", "none"], 2),
    ],
)
def test_what_is_no_alias_is_refused(isolated: Cli, words: list[str], code: int) -> None:
    done = isolated("alias", *words)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert isolated.json("alias", "list") == []


def test_a_typing_mistake_is_still_told_with_what_may_be_meant(isolated: Cli) -> None:
    done = isolated("regsiter")
    assert done.returncode == 2
    assert "'register'" in done.stderr


def test_a_damaged_configuration_stops_no_command_of_its_own(isolated: Cli) -> None:
    folder = Path(isolated.env["HOME"]) / ".config" / "tasktracker"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    assert isolated("--version").returncode == 0
    assert isolated("help").returncode == 0
    done = isolated("something")
    assert done.returncode == 1
    assert f"rm {folder / 'config.json'}" in done.stderr


def test_an_alias_completes_like_what_it_stands_for(isolated: Cli) -> None:
    isolated("alias", "set", "late", "task list --overdue")
    assert "--priority" in isolated("complete", "--", "late", "--pri").stdout
    assert (
        isolated("complete", "--", "alias", "delete", "l").stdout == "late\ttask list --overdue\n"
    )
