"""Every task command says by itself how it is used."""

import pytest

from cli.tests.conftest import Cli
from tasktracker_cli.commands.task import app


@pytest.mark.parametrize("command", app.commands)
def test_help_has_an_example_that_can_be_typed(isolated: Cli, command: str) -> None:
    done = isolated("task", command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"tasktracker-cli task {command}" in done.stdout.partition("Example")[2]


@pytest.mark.parametrize("command", app.commands)
def test_who_is_not_logged_in_is_told_so_in_every_command(isolated: Cli, command: str) -> None:
    arguments = {
        "create": ["A"],
        "list": [],
        "today": [],
        "next": [],
        "update": ["7", "--title", "A"],
        "import": ["/dev/null", "--format", "csv"],
        "export": [],
        "delete": ["7", "--yes"],
        "undo": [],
    }
    done = isolated("task", command, *arguments.get(command, ["7"]))
    assert (done.returncode, done.stdout) == (4, "")
    assert "You are not logged in" in done.stderr
