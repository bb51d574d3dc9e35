"""The justfile, and the recipes that the documents name."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tasktracker_cluster.machine import preflight
from tests.infra.reading import ROOT, run

# The PATH of a shell without an activated virtual environment.
PLAIN = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# A harmless argument for a recipe, and a part of the output of the program behind it.
HARMLESS = {
    "bench": ("0", "bench: error:"),
    "doctor": ("--help", "--json"),
    "logs": ("--help", "--task"),
    "screenshots": ("--help", "consul"),
    "status": ("--help", "--json"),
    "test": ("nope", "there is no part 'nope'"),
}

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@cache
def recipes() -> dict[str, Any]:
    """Return the justfile's recipes as just itself reads them."""
    dumped = run(ROOT / "just", "--dump", "--dump-format", "json")
    assert dumped.returncode == 0, dumped.stderr
    found = json.loads(dumped.stdout)["recipes"]
    return {name: recipe for name, recipe in found.items() if not recipe["private"]}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_recipe_that_a_document_names_exists(document: Path) -> None:
    named = set(re.findall(r"\./just ([a-z][\w-]*)", document.read_text()))
    assert named <= recipes().keys()


def test_the_readme_names_the_recipes_of_a_first_day() -> None:
    readme = (ROOT / "README.md").read_text()
    for recipe in ("up", "down", "destroy", "status", "test"):
        assert f"./just {recipe}" in readme, recipe


def test_every_recipe_says_what_it_does_in_a_group_and_a_few_lines() -> None:
    for name, recipe in recipes().items():
        assert recipe["doc"], name
        assert any("group" in attribute for attribute in recipe["attributes"]), name
        assert len(recipe["body"]) <= 5, name


def test_a_command_that_needs_root_and_has_no_recipe_is_known() -> None:
    sources = (ROOT / "cluster" / "src").rglob("*.py")
    found = {
        name
        for source in sources
        for name in re.findall(r'must_be_root\(f?"([a-z]+)', source.read_text())
    }
    assert found - recipes().keys() == set(preflight.WITHOUT_RECIPE)


@pytest.mark.parametrize("recipe", HARMLESS)
def test_a_recipe_reaches_its_program_from_a_plain_shell(recipe: str) -> None:
    word, answer = HARMLESS[recipe]
    result = run(ROOT / "just", recipe, word, PATH=PLAIN)
    assert answer in result.stdout + result.stderr
