"""Tab, in a real bash, zsh and fish on a terminal of their own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.tests.conftest import PROGRAM, TASK, Answer, Cli, FakeGateway
from tests.terminal import LIMIT, Terminal

START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "--no-rcs", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
LOAD = {
    "bash": 'eval "$(tasktracker-cli completion bash)"',
    "zsh": 'autoload -U compinit && compinit -D -u && eval "$(tasktracker-cli completion zsh)"',
    "fish": "tasktracker-cli completion fish | source",
}


@contextmanager
def shell(name: str, cli: Cli) -> Iterator[Terminal]:
    """Start a shell that has loaded its completion script."""
    home = Path(cli.env["HOME"])
    home.mkdir(exist_ok=True)
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    kind = "dumb" if name == "zsh" else "xterm"
    terminal = Terminal(START[name], {**cli.env, "PATH": path, "TERM": kind}, folder=home)
    try:
        # Split, so that the echo of what is typed is not taken for its answer.
        terminal.type(f"{LOAD[name]}; echo rea''dy\n")
        terminal.wait_for("ready")
        yield terminal
    finally:
        terminal.kill()


@pytest.fixture(params=START)
def person(request: pytest.FixtureRequest, cli: Cli) -> Iterator[Terminal]:
    with shell(request.param, cli) as terminal:
        yield terminal


def test_a_command_is_completed(person: Terminal) -> None:
    person.type("tasktracker-cli task comp\t")
    person.wait_for("task complete ")


def test_an_option_is_completed(person: Terminal) -> None:
    person.type("tasktracker-cli task list --prio\t")
    person.wait_for("--priority")


def test_a_profile_is_completed(person: Terminal, cli: Cli) -> None:
    cli("profile", "add", "work-elsewhere")
    person.type("tasktracker-cli profile use wo\t")
    person.wait_for("use work-elsewhere")


KILL_LINE = "\x15"
HOSTILE = "\"); touch pwned; $(touch pwned) `touch pwned` \\$(touch pwned) ' : * %B \x1b[31m"


def test_task_ids_are_shown_and_a_title_is_never_run(
    person: Terminal, cli: Cli, gateway: FakeGateway
) -> None:
    tasks = [{**TASK, "id": number, "title": HOSTILE} for number in (701, 702)]
    gateway.on("GET /tasks/", Answer(body=tasks))
    person.type("tasktracker-cli task show 7\t")
    person.wait_for("7\a?0")
    person.type("\t\t")
    shown = person.wait_for("702")
    assert "\x1b[31m" not in shown
    assert not list(Path(cli.env["HOME"]).glob("pwned"))


def test_a_gateway_that_is_away_is_silence(person: Terminal, gateway: FakeGateway) -> None:
    gateway.close()
    person.type("tasktracker-cli task show 7\t" + KILL_LINE + "echo sti''ll here\n")
    shown = person.wait_for("still here")
    assert "reached" not in shown


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["lo"], ["login", "logout"]),
        (["task", "re"], ["reopen", "restore"]),
        (["help", "ex"], ["exit-codes"]),
        (["task", "create", "x", "--status", ""], ["todo", "in_progress", "done"]),
        (["task", "list", "--odd", ""], []),
        (["task", "list", "-o", ""], ["table", "json", "ndjson", "csv", "yaml"]),
        (["task", "list", "--output", "y"], ["yaml"]),
        (["task", "list", "--fields", "ti"], ["title"]),
        (["task", "list", "--fields", "id,t"], ["id,title"]),
        (["task", "list", "--fields", "title,t"], []),
        (["profile", "list", "--fields", "u"], ["url", "username"]),
        (["admin", "logs", "task-"], ["task-db", "task-service"]),
        (["admin", "logs", "con"], ["consul"]),
        (["task", "list", "--profile", "def"], ["default"]),
        (["completion", "in"], ["install"]),
    ],
)
def test_what_a_shell_is_told(cli: Cli, words: list[str], found: list[str]) -> None:
    done = cli("complete", "--", *words)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == found


def test_completing_without_a_login_is_silent(guest: Cli) -> None:
    done = guest("complete", "--", "task", "show", "")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_damaged_configuration_is_silent(guest: Cli) -> None:
    folder = Path(guest.env["HOME"]) / ".config" / "tasktracker"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{")
    done = guest("complete", "--", "--profile", "")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


PLACES = {
    "bash": ".local/share/bash-completion/completions/tasktracker-cli",
    "zsh": ".local/share/zsh/site-functions/_tasktracker-cli",
    "fish": ".config/fish/completions/tasktracker-cli.fish",
}
ASK = {
    "zsh": "compinit -D -u; whence -w _tasktracker-cli; echo $_comps[tasktracker-cli]",
    "fish": "complete -C 'tasktracker-cli task comp'",
}


def install(cli: Cli, shell: str) -> str:
    """Install the script; return the line that the shell's own file needs."""
    done = cli("completion", "install", SHELL=f"/usr/bin/{shell}")
    assert done.returncode == 0
    assert f"Wrote {Path(cli.env['HOME'], PLACES[shell])}." in done.stderr
    return done.stderr.rstrip().partition("if it is not there: ")[2]


def run(cli: Cli, *command: str) -> str:
    """Run a shell that is a new one: it finds what is installed."""
    environment = {**cli.env, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=LIMIT, check=False
    )
    return done.stdout


def test_a_new_fish_finds_the_script(cli: Cli) -> None:
    assert install(cli, "fish") == ""
    assert run(cli, "fish", "-c", ASK["fish"]).startswith("complete\tMark tasks as done.")


def test_zsh_finds_the_script_by_the_line_that_is_shown(cli: Cli) -> None:
    line = install(cli, "zsh")
    assert line.startswith("fpath=(")
    assert "_tasktracker-cli" in run(cli, "zsh", "--no-rcs", "-c", f"{line} -D -u; {ASK['zsh']}")


def test_bash_finds_the_script_by_its_name(cli: Cli) -> None:
    line = install(cli, "bash") or f"source {Path(cli.env['HOME'], PLACES['bash'])}"
    assert "_tasktracker_cli" in run(
        cli, "bash", "--norc", "-c", f"{line}; complete -p tasktracker-cli"
    )


def test_a_shell_that_cannot_complete_is_usage(isolated: Cli) -> None:
    done = isolated("completion", "install", SHELL="/bin/sh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Give one of bash, zsh, fish." in done.stderr


def test_a_place_that_cannot_be_written_is_told(isolated: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = isolated("completion", "install", "zsh", XDG_DATA_HOME=str(tmp_path / "file"))
    assert done.returncode == 1
    assert "tasktracker-cli completion zsh" in done.stderr
