"""What the program says about itself."""

import re
from pathlib import Path

import pytest

import tasktracker_cli
from cli.tests.conftest import Cli
from tasktracker_cli.errors import ERRORS, CliError, OutputClosedError
from tasktracker_cli.topics import TOPICS

GROUPS = ["task", "profile", "config", "alias", "account", "token", "completion", "admin"]


def test_every_kind_of_error_has_its_line_in_the_help(isolated: Cli) -> None:
    everyone = [CliError, *CliError.__subclasses__()]
    # Those of the cluster have the exit code of a failure.
    ours = {kind for kind in everyone if kind.__module__ == CliError.__module__}
    assert set(ERRORS) == ours - {OutputClosedError}
    shown = isolated("help", "exit-codes").stdout
    assert all(f"  {kind.exit_code}    {kind.code} " in shown for kind in ERRORS)


def test_codes_of_errors_are_different() -> None:
    assert len({kind.code for kind in ERRORS}) == len(ERRORS)


def test_the_topics_are_listed(isolated: Cli) -> None:
    shown = isolated("help").stdout
    assert all(f"tasktracker-cli help {name}" in shown for name in TOPICS)


def test_every_folder_that_a_variable_names_is_in_the_help(isolated: Cli) -> None:
    source = Path(tasktracker_cli.__file__).with_name("environment.py").read_text()
    shown = isolated("help", "environment").stdout
    named = set(re.findall(r'"(XDG_\w+)"', source))
    assert len(named) == 3
    assert {name for name in named if name not in shown} == set()


def test_a_missing_argument_is_told_on_one_line(isolated: Cli) -> None:
    done = isolated("config", "set", "list")
    assert done.returncode == 2
    assert "\\" not in done.stderr
    assert "VALUE" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["task", "list", "--limit", "x"], "'x' is not a whole number."),
        (["task", "list", "--every", "x"], "'x' is not a number."),
    ],
)
def test_a_bad_number_is_told_without_the_name_of_a_type(
    isolated: Cli, typed: list[str], told: str
) -> None:
    done = isolated(*typed)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["task", "lsit"], "list"),
        (["regsiter"], "register"),
        (["task", "list", "--stats", "todo"], "--status"),
        (["profile", "ad", "x"], "add"),
    ],
)
def test_a_typing_mistake_is_told_with_what_may_be_meant(
    isolated: Cli, typed: list[str], meant: str
) -> None:
    done = isolated(*typed)
    assert done.returncode == 2
    assert meant in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [*([name] for name in GROUPS), ["account", "sessions"]])
def test_a_group_without_a_command_says_what_commands_there_are(
    isolated: Cli, words: list[str]
) -> None:
    done = isolated(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == isolated(*words, "--help").stdout


@pytest.mark.parametrize("words", [[], ["task"], ["admin"], ["admin", "rotate"]])
def test_a_list_of_commands_is_never_cut_off(isolated: Cli, words: list[str]) -> None:
    shown = isolated(*words, "--help", COLUMNS="40").stdout
    listed = shown[shown.index("Commands:") :]
    assert "..." not in listed
    assert listed.split()[-1].endswith(".")
    assert max(map(len, listed.splitlines())) < 40


@pytest.mark.parametrize("words", [["task", "list"], ["task", "create"], ["login"], ["help"]])
def test_help_on_a_narrow_terminal_breaks_between_words(isolated: Cli, words: list[str]) -> None:
    wide = isolated(*words, "--help", COLUMNS="200").stdout
    narrow = isolated(*words, "--help", COLUMNS="40").stdout
    assert narrow.split() == wide.split()
    text = narrow[: narrow.index("Examples:" if "Examples:" in narrow else "Example:")]
    assert max(map(len, text.splitlines())) < 40
    options = narrow[narrow.index("Options:") :].splitlines()
    # The name of an option is one word, however long.
    assert all(len(line) < 40 for line in options if not line.startswith("  -"))
