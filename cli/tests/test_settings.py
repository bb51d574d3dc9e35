"""config: what is set once, and what it changes."""

import json
from pathlib import Path

import pytest

from cli.tests.conftest import TASK, Answer, Cli, FakeGateway


def test_a_setting_is_chosen_read_and_forgotten(isolated: Cli) -> None:
    assert isolated("config", "get", "list").stdout == "all\n"
    assert isolated("config", "set", "list", "open").returncode == 0
    assert isolated("config", "get", "list").stdout == "open\n"
    shown = isolated.json("config", "list")[0]
    assert (shown["name"], shown["value"], shown["values"]) == ("list", "open", ["all", "open"])
    assert isolated("config", "unset", "list").returncode == 0
    assert isolated("config", "get", "list").stdout == "all\n"


def test_profiles_and_settings_leave_each_other_alone(isolated: Cli) -> None:
    isolated("config", "set", "list", "open")
    isolated("alias", "set", "late", "task list")
    isolated("profile", "add", "work")
    isolated("profile", "use", "work")
    isolated("profile", "remove", "work")
    assert isolated("config", "get", "list").stdout == "open\n"
    assert isolated("alias", "list", "-q").stdout == "late\n"
    assert isolated("profile", "list", "-q").stdout == "default\n"


def test_a_file_of_before_there_were_settings_is_read(isolated: Cli) -> None:
    folder = Path(isolated.env["HOME"]) / ".config" / "tasktracker"
    folder.mkdir(parents=True)
    old = {"current": "work", "profiles": {"work": {"url": "http://localhost", "username": None}}}
    (folder / "config.json").write_text(json.dumps(old))
    assert isolated("profile", "show", "-q").stdout == "work\n"
    assert isolated("config", "set", "list", "open").returncode == 0
    assert isolated("profile", "show", "-q").stdout == "work\n"


@pytest.mark.parametrize(
    "words", [["set", "odd", "x"], ["set", "list", "odd"], ["get", "odd"], ["unset", "odd"]]
)
def test_what_is_no_setting_is_usage(isolated: Cli, words: list[str]) -> None:
    done = isolated("config", *words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_the_path_is_that_of_the_file(isolated: Cli) -> None:
    assert isolated("config", "set", "list", "open").returncode == 0
    path = Path(isolated("config", "path").stdout.strip())
    assert json.loads(path.read_text())["settings"] == {"list": "open"}


def test_settings_and_their_values_are_completed(isolated: Cli) -> None:
    assert isolated("complete", "--", "config", "set", "da").stdout.startswith("date-order\t")
    values = isolated("complete", "--", "config", "set", "date-order", "").stdout
    assert values.split() == ["locale", "day-first", "month-first"]


OPEN = ["status=todo", "status=in_progress"]


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ([], OPEN),
        (["--no-open"], [""]),
        (["--status", "done"], ["status=done"]),
        (["--json"], [""]),
        (["-o", "csv"], [""]),
        (["-q"], [""]),
    ],
)
def test_the_table_lists_what_is_open_if_the_user_wants(
    cli: Cli, gateway: FakeGateway, options: list[str], asked: list[str]
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    cli("config", "set", "list", "open")
    assert cli("task", "list", *options).returncode == 0
    queries = [request.path.partition("?")[2] for request in gateway.requests]
    assert [query.rpartition("limit")[0].rstrip("&") for query in queries] == asked
