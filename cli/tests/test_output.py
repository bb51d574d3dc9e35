"""How data, talk and errors come out in every format, through the installed program."""

import csv
import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.tests.conftest import PROBLEM, PROGRAM, TASK, USER, Answer, Cli, FakeGateway
from cli.tests.on_terminal import COLOUR, on_terminal
from tasktracker_cli.gateway import models

ROOT = Path(__file__).parents[2]
TITLE = 'Büro, "quoted"\nsecond line\t\x1b[31m \u202e 😀'
ODD = {**TASK, "title": TITLE, "description": "=1+1"}


def out(cli: Cli, *args: str) -> str:
    # Read as bytes: universal newlines would hide what RFC 4180 asks for.
    done = subprocess.run([PROGRAM, *args], capture_output=True, env=cli.env)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.fixture
def two(gateway: FakeGateway) -> list[Any]:
    """Serve a list of two tasks at the gateway, one with a hostile title."""
    tasks = [ODD, {**TASK, "id": 8}]
    gateway.on("GET /tasks/", Answer(body=tasks))
    gateway.on("GET /tasks/7", Answer(body=ODD))
    return tasks


def test_json_is_one_array_with_the_apis_values(cli: Cli, two: list[Any]) -> None:
    assert json.loads(out(cli, "task", "list", "--json")) == two
    assert out(cli, "task", "list", "-o", "json") == out(cli, "task", "list", "--json")


def test_json_looks_the_same_for_a_list_as_json_dumps_would(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK, TASK]), Answer(body=[]))
    assert out(cli, "task", "list", "--json") == json.dumps([TASK, TASK], indent=2) + "\n"
    assert out(cli, "task", "list", "--json") == "[]\n"


def test_ndjson_is_an_object_a_line(cli: Cli, two: list[Any]) -> None:
    lines = out(cli, "task", "list", "--output", "ndjson").splitlines()
    assert [json.loads(line) for line in lines] == two
    assert json.loads(out(cli, "task", "show", "7", "-o", "ndjson")) == ODD


def test_csv_is_rfc_4180_with_the_values_unchanged(cli: Cli, two: list[Any]) -> None:
    text = out(cli, "task", "list", "-o", "csv")
    assert text.count("\r\n") == 3
    header, first, second = csv.reader(io.StringIO(text, newline=""))
    assert header == list(TASK)
    assert first[:3] == ["7", TITLE, "=1+1"]
    assert second[2:6] == ["", "todo", "medium", "false"]


def test_csv_of_no_task_has_the_header_that_was_asked_for(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[]))
    assert out(cli, "task", "list", "-o", "csv", "--fields", "title,id") == "title,id\r\n"


def test_yaml_gives_the_values_back(cli: Cli, two: list[Any], gateway: FakeGateway) -> None:
    assert yaml.safe_load(out(cli, "task", "list", "-o", "yaml")) == two
    assert yaml.safe_load(out(cli, "task", "show", "7", "-o", "yaml")) == ODD
    gateway.on("GET /tasks/", Answer(body=[]), Answer(body=[{**TASK, "title": "Grüße"}]))
    assert out(cli, "task", "list", "-o", "yaml") == "[]\n"
    assert "title: Grüße" in out(cli, "task", "list", "-o", "yaml")


@pytest.mark.parametrize("form", ["table", "json", "ndjson", "csv", "yaml"])
def test_no_format_lets_a_title_act_on_the_terminal(cli: Cli, two: list[Any], form: str) -> None:
    for command in (["task", "list"], ["task", "show", "7"]):
        _, shown = on_terminal(cli, *command, "-o", form)
        assert re.sub(r"[\r\n]", "", COLOUR.sub("", shown)).isprintable()


def test_quiet_prints_bare_ids_and_no_talk(cli: Cli, two: list[Any], gateway: FakeGateway) -> None:
    assert out(cli, "task", "list", "--quiet") == "7\n8\n"
    gateway.on("PATCH /tasks/7/complete", Answer(body=TASK))
    assert out(cli, "task", "complete", "7", "-q") == "7\n"


def test_fields_choose_and_order(cli: Cli, two: list[Any]) -> None:
    fields = ["--fields", "status,id"]
    chosen = [{"status": "todo", "id": 7}, {"status": "todo", "id": 8}]
    assert json.loads(out(cli, "task", "list", *fields, "--json")) == chosen
    assert out(cli, "task", "list", *fields) == "status\tid\ntodo\t7\ntodo\t8\n"
    assert out(cli, "task", "list", *fields, "-o", "csv") == "status,id\r\ntodo,7\r\ntodo,8\r\n"
    assert out(cli, "task", "show", "7", *fields) == "status\tid\ntodo\t7\n"
    _, shown = on_terminal(cli, "task", "list", *fields)
    assert COLOUR.sub("", shown).split() == ["status", "id", "todo", "7", "todo", "8"]


def test_a_column_shows_values_as_json_does(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /stats/", Answer(body={"total_tasks": 3, "by_status": {"todo": 3}}))
    options = ["--fields", "total_tasks,by_status,overdue_tasks"]
    assert out(cli, "stats", *options).splitlines()[1] == '3\t{"todo": 3}\t'
    assert out(cli, "stats", *options, "-o", "csv").splitlines()[1] == '3,"{""todo"": 3}",'
    gateway.on("GET /tasks/7", Answer(body=TASK))
    shown = on_terminal(cli, "task", "show", "7", "--fields", "is_completed")[1]
    assert COLOUR.sub("", shown).split() == ["is_completed", "false"]


def test_an_unknown_field_is_refused_before_anything_is_sent(
    cli: Cli, gateway: FakeGateway
) -> None:
    done = cli("task", "create", "x", "--fields", "id,titel")
    assert done.returncode == 2
    assert "no field 'titel'" in done.stderr
    assert ", ".join(models.TASK_FIELDS) in done.stderr
    assert gateway.requests == []


def test_jq_selects_from_the_whole_list(cli: Cli, two: list[Any]) -> None:
    assert out(cli, "task", "list", "--jq", ".[] | .id") == "7\n8\n"
    assert out(cli, "task", "list", "--jq", ".[0].title") == TITLE + "\n"
    assert out(cli, "task", "show", "7", "--json", "--jq", "{id}") == '{"id": 7}\n'
    _, shown = on_terminal(cli, "task", "list", "--jq", ".[0].title")
    assert r"\x1b[31m" in shown


@pytest.mark.parametrize("expression", [".[", ".id", "error", "bad("])
def test_a_jq_expression_that_fails_is_usage(cli: Cli, two: list[Any], expression: str) -> None:
    done = cli("task", "list", "--jq", expression)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --jq: ")
    assert "jq: jq" not in done.stderr
    assert "jq: error" not in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "xml"],
        ["-o", "csv", "--json"],
        ["-q", "--json"],
        ["-q", "--fields", "id"],
        ["--jq", ".", "-o", "csv"],
    ],
)
def test_options_that_contradict_each_other_are_refused(
    cli: Cli, gateway: FakeGateway, options: list[str]
) -> None:
    assert cli("task", "list", *options).returncode == 2
    assert gateway.requests == []


def test_errors_are_json_where_data_are(cli: Cli, gateway: FakeGateway) -> None:
    problem = {"detail": "Task 7 does not exist\x1b[2J", "request_id": "abc123"}
    gateway.on("GET /tasks/7", Answer(404, problem, PROBLEM))
    for options in (["--json"], ["-o", "ndjson"]):
        done = cli("task", "show", "7", *options)
        assert (done.returncode, done.stdout) == (5, "")
        assert json.loads(done.stderr) == {
            "error": {
                "code": "not-found",
                "message": "Task 7 does not exist\x1b[2J.",
                "hint": "See what there is with: tasktracker-cli task list",
                "status": 404,
                "request_id": "abc123",
            }
        }


@pytest.mark.parametrize(
    "command",
    [
        ["task", "show", "x", "--json"],
        ["task", "show", "--json"],
        ["task", "show", "7", "--odd", "-o", "json"],
        ["task", "list", "--fields", "odd", "--output=ndjson"],
        ["task", "list", "-ojson", "--limit", "0"],
    ],
)
def test_a_wrong_command_line_is_told_as_json_too(cli: Cli, command: list[str]) -> None:
    done = cli(*command)
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"]["code"] == "usage"


def test_json_that_is_a_title_does_not_change_the_format(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("POST /tasks/", Answer(201, TASK))
    done = cli("task", "create", "--", "--json")
    assert done.stderr == "✓ Created task 7.\n"


def test_notes_are_json_where_data_are(cli: Cli, gateway: FakeGateway) -> None:
    link = {"Link": '</api/v1/tasks/?cursor=c1>; rel="next"'}
    gateway.on("GET /tasks/", Answer(body=[TASK], headers=link))
    done = cli("task", "list", "--limit", "1", "--json")
    assert "higher --limit" in json.loads(done.stderr)["note"]["message"]


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_colour_can_be_asked_for_in_a_pipe(cli: Cli, two: list[Any], variable: str) -> None:
    assert "\x1b[36m○ todo" in cli("task", "list", **{variable: "1"}).stdout
    assert "○" not in cli("task", "list", **{variable: "0"}).stdout
    assert "\x1b[36m" not in cli("task", "list", **{variable: "1", "NO_COLOR": "1"}).stdout


def test_the_fields_that_can_be_chosen_are_the_apis() -> None:
    named = {
        ("task", "TaskOut"): models.TASK_FIELDS,
        ("user", "User"): models.USER_FIELDS,
        ("stats", "StatisticsOut"): models.STATS_FIELDS,
    }
    for (service, schema), fields in named.items():
        document = json.loads((ROOT / "services" / service / "openapi.json").read_text())
        assert list(document["components"]["schemas"][schema]["properties"]) == list(fields)


LONG = [{**TASK, "id": number} for number in range(50)]


def test_a_list_longer_than_the_screen_goes_through_the_pager(
    cli: Cli, gateway: FakeGateway
) -> None:
    gateway.on("GET /tasks/", Answer(body=LONG))
    _, shown = on_terminal(cli, "task", "list", TASKTRACKER_PAGER="sed 's/^/paged: /'")
    lines = COLOUR.sub("", shown).splitlines()
    assert len(lines) == 51
    assert all(line.startswith("paged: ") for line in lines)


@pytest.mark.parametrize(
    ("options", "pager"),
    [(["--no-pager"], "sed s/^/paged:/"), ([], ""), ([], "cat"), ([], "there-is-none")],
)
def test_a_list_needs_no_pager(
    cli: Cli, gateway: FakeGateway, options: list[str], pager: str
) -> None:
    gateway.on("GET /tasks/", Answer(body=LONG))
    code, shown = on_terminal(cli, "task", "list", *options, TASKTRACKER_PAGER=pager)
    assert (code, len(shown.splitlines())) == (0, 51)
    assert "paged:" not in shown


def test_leaving_the_pager_early_is_no_error(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/", Answer(body=[{**TASK, "title": "x" * 200} for _ in range(50)]))
    code, shown = on_terminal(cli, "task", "list", PAGER="true")
    assert (code, shown) == (0, "")


def test_tables_of_several_pages_line_up(cli: Cli, gateway: FakeGateway) -> None:
    def page(first: int, headers: dict[str, str]) -> Answer:
        tasks = [{**TASK, "id": first - n, "title": f"Task {n}"} for n in range(200)]
        return Answer(body=tasks, headers=headers)

    link = {"Link": '</api/v1/tasks/?cursor=c1>; rel="next"'}
    gateway.on("GET /tasks/", page(400, link), page(200, {}))
    _, shown = on_terminal(cli, "task", "list", "--limit", "400", "--no-pager", width=100)
    lines = COLOUR.sub("", shown).splitlines()
    assert len(lines) == 401
    assert {line.index("○") for line in lines[1:]} == {lines[0].index("STATUS")}


def test_a_spinner_appears_only_after_half_a_second(cli: Cli, gateway: FakeGateway) -> None:
    script = (
        "import sys, time; from tasktracker_cli.terminal.output import Output\n"
        "with Output().progress('Counting', 3) as progress:\n"
        "    time.sleep(float(sys.argv[1])); progress.advance(3); time.sleep(float(sys.argv[1]))"
    )
    python = PROGRAM.parent / "python"
    quick = on_terminal(cli, "-c", script, "0", program=python)
    slow = on_terminal(cli, "-c", script, "0.8", program=python)
    assert quick == (0, "")
    assert slow[0] == 0
    assert "Counting" in slow[1]
    assert "3/3" in slow[1]
    piped = subprocess.run([python, "-c", script, "0.8"], capture_output=True, env=cli.env)
    assert (piped.stdout, piped.stderr) == (b"", b"")


def test_a_pipe_needs_no_rich(cli: Cli, two: list[Any], gateway: FakeGateway) -> None:
    gateway.on("GET /auth/me", Answer(body=USER))
    for command in (
        ["task", "list"],
        ["task", "show", "7"],
        ["whoami"],
        ["task", "list", "--json"],
    ):
        done = cli(*command, PYTHONPROFILEIMPORTTIME="1")
        assert done.returncode == 0
        loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert loaded.isdisjoint({"rich", "httpx", "yaml", "pydantic"})
