"""Each package declares the distributions that it imports, and does not rely on another's."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.infra.reading import PACKAGES, ROOT

PROJECTS = [package.folder / "pyproject.toml" for package in PACKAGES]
# Installed from this checkout, which hides the names of their modules.
OURS = {package.module: package.name for package in PACKAGES}


def normalised(requirement: str) -> str:
    """Return the normalised name in a requirement: `pyyaml` for `PyYAML>=6`."""
    name = re.match(r"[\w.-]+", requirement)
    assert name, requirement
    return re.sub(r"[._-]+", "-", name[0]).lower()


def declared(project: Path) -> set[str]:
    table = tomllib.loads(project.read_text())["project"]
    extras = table.get("optional-dependencies", {}).values()
    requirements = [*table.get("dependencies", []), *(each for extra in extras for each in extra)]
    return {normalised(each) for each in [table["name"], *requirements]}


def imported(files: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each file, and the first part of each name that it imports."""
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((file, alias.name.partition(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield file, node.module.partition(".")[0]


def distributions() -> dict[str, set[str]]:
    """Return the names of the installed distributions by the modules that they have."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, names in packages_distributions().items():
        # python-consul names its files instead of its package.
        found[module.partition("/")[0]] |= {normalised(each) for each in names}
    return found | {module: {name} for module, name in OURS.items()}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_each_import_is_of_a_declared_dependency(project: Path) -> None:
    sources = list((project.parent / "src").rglob("*.py"))
    assert sources
    assert undeclared(sources, declared(project)) == set()


def test_each_import_of_tests_and_tools_is_of_a_declared_dependency() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"].values()
    known = {normalised(each) for group in groups for each in group}
    known = known.union(*map(declared, PROJECTS))
    folders = ("bench", "cli/tests", "cluster/tests", "services", "tests", "tools")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    assert undeclared(files, known) == set()


def undeclared(files: Iterable[Path], known: set[str]) -> set[str]:
    """Return a message for each import of a distribution that is not in `known`."""
    installed, here = distributions(), {"bench", "cli", "cluster", "services", "tests", "tools"}
    return {
        f"{file.relative_to(ROOT)} imports {module}"
        for file, module in imported(files)
        if module not in sys.stdlib_module_names | here
        # What only the benchmark needs may not be installed. Then its module's name must do.
        and not known & (installed[module] or {module})
    }
