"""`admin join` and `leave`: how a join line is read, and what is refused before a question."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cli.tests.conftest import PROGRAM, Cli
from tasktracker_cluster.membership.join_line import JoinLine
from tests.terminal import Terminal

LINE = JoinLine("10.0.0.1", 4651, "ab" * 32, "s" * 43)
# `join` reads the line, then refuses: so it changes nothing on this machine.
REFUSAL = "has the data of a cluster of its own"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="join needs root")


@pytest.fixture
def used(isolated: Cli) -> Iterator[Cli]:
    """Return the program with a state folder that has data. Its name is short enough."""
    with TemporaryDirectory(dir="/tmp") as home:
        (Path(home) / "consul").mkdir()
        (Path(home) / "consul" / "node-id").write_text("an id")
        yield Cli({**isolated.env, "TASKTRACKER_HOME": home})


@pytest.mark.parametrize("words", [(), ("-",)])
def test_a_join_line_is_read_from_a_pipe(used: Cli, words: tuple[str, ...]) -> None:
    done = used("admin", "join", *words, stdin=f"{LINE.text}\n")
    assert done.returncode == 1
    assert REFUSAL in done.stderr


def test_a_join_line_is_an_argument(used: Cli) -> None:
    assert REFUSAL in used("admin", "join", LINE.text).stderr


def test_an_empty_pipe_has_no_join_line(used: Cli) -> None:
    assert "The join line is incomplete or altered." in used("admin", "join").stderr


def test_on_a_terminal_a_join_line_is_asked_for_and_not_shown(used: Cli) -> None:
    terminal = Terminal([PROGRAM, "admin", "join"], used.env, columns=300)
    terminal.wait_for("Join line .*: $")  # the last space comes when nothing is shown any more
    terminal.type(f"{LINE.text}\n")
    terminal.wait_for(REFUSAL)
    assert terminal.end() == 1
    assert LINE.secret not in terminal.shown


def test_a_question_that_nobody_answers_names_the_option(used: Cli) -> None:
    done = used("admin", "destroy")
    assert done.returncode == 2
    assert done.stderr.endswith("error: Nobody answered. Use --yes to go on without asking.\n")


def test_the_first_machine_is_refused_before_it_is_asked_whether_to_leave(used: Cli) -> None:
    done = used("admin", "leave")
    assert done.returncode == 1
    assert "it cannot leave" in done.stderr
    assert "[y/N]" not in done.stdout + done.stderr
