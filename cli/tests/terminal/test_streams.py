"""Standard streams that are closed or full, and what commands make of them."""

import json
import subprocess

import pytest

from cli.tests.conftest import PROGRAM, TASK, Answer, Cli, FakeGateway


def run(cli: Cli, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command line of the shell, in which `tt` is the program."""
    script = f'tt() {{ {PROGRAM} "$@"; }}; {command}'
    return subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, encoding="utf-8", env=cli.env, timeout=60
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode in {1, 2}
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


PRINTING = (
    "--version",
    "--help",
    "task list",
    "task show 7",
    "completion bash",
    "help environment",
)


@pytest.mark.parametrize("command", PRINTING)
def test_a_standard_output_that_is_closed_or_full_is_one_error(
    cli: Cli, gateway: FakeGateway, command: str
) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    gateway.on("GET /tasks/7", Answer(body=TASK))
    closed = "error: The output cannot be written: it is closed.\n"
    assert one_line(run(cli, f"tt {command} >&-")) == closed
    full = "error: The output cannot be written: No space left on device.\n"
    assert one_line(run(cli, f"tt {command} >/dev/full")) == full


@pytest.mark.parametrize("command", ["task list --json", "task export"])
def test_where_data_are_json_so_is_that_error(cli: Cli, gateway: FakeGateway, command: str) -> None:
    gateway.on("GET /tasks/", Answer(body=[TASK]))
    for where in (">&-", ">/dev/full"):
        error = json.loads(run(cli, f"tt {command} {where}").stderr)["error"]
        assert error["message"].startswith("The output cannot be written: ")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("task complete - <&-", "Standard input cannot be read: it is closed."),
        ("task import - --format csv <&-", "Standard input cannot be read: it is closed."),
        ("login --username ada --password-stdin <&-", "Standard input cannot be read"),
        ("task delete 7 <&-", "There is no terminal to ask on."),
        ("login <&-", "The user name is missing."),
        ("login --username ada <&-", "There is no terminal to ask for the password on."),
    ],
)
def test_a_standard_input_that_cannot_be_read_is_one_error(
    cli: Cli, gateway: FakeGateway, command: str, told: str
) -> None:
    assert told in one_line(run(cli, f"tt {command}"))
    assert gateway.requests == []


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
def test_an_error_that_cannot_be_told_is_still_the_exit_code(
    guest: Cli, gateway: FakeGateway, where: str
) -> None:
    done = run(guest, f"tt task list 2{where}")
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "")


def test_everything_closed_does_no_harm(cli: Cli, gateway: FakeGateway) -> None:
    gateway.on("GET /tasks/7", Answer(body=TASK))
    gateway.on("PATCH /tasks/7/complete", Answer(body=TASK))
    assert run(cli, "tt task complete 7 <&- >&- 2>&-").returncode == 1
    assert [request.method for request in gateway.requests] == ["GET", "PATCH"]
