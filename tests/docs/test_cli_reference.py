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
def test_every_value_has_a_name_in_capitals_or_its_choices(path: str) -> None:
    usage = COMMANDS[path].partition("\n\n")[0]
    assert re.findall(r"[{[]([^]}A-Z]*)[]}]", usage) == []
    options = re.findall(r"(?m)^  -.*?<([^>|]+)>", COMMANDS[path])
    assert options == []


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_has_an_example(path: str) -> None:
    assert path in COMMANDS[path].partition("\n  Example")[2]


@pytest.mark.parametrize("path", LEAVES)
def test_no_command_of_the_cluster_or_of_settings_takes_options_for_a_gateway(path: str) -> None:
    groups = ("admin", "config", "alias")
    without = any(path.startswith(f"tasktracker-cli {group} ") for group in groups)
    taken = re.findall(r"(?m)^  (?:-v, )?--(url|profile|verbose|trace)\b", COMMANDS[path])
    assert not (without and taken)
