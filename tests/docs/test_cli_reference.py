"""docs/cli.md is what the program says, and what it says is whole."""

import re

import pytest

from tasktracker_cli.reference import page
from tests.infra.reading import ROOT

COMMANDS = dict(re.findall(r"(?s)## (tasktracker-cli[^\n]*)\n\n```text\n(.+?)```", page()))
LEAVES = [path for path, text in COMMANDS.items() if "\nCommands:" not in text]


def test_the_reference_is_the_programs_own_help() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == page(), "Run: ./just reference"


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_has_an_example(path: str) -> None:
    assert path in COMMANDS[path].partition("\n  Example")[2]
