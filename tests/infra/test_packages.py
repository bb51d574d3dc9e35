"""The repository's own packages: every list of them is complete, and module names are unique."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.reading import PACKAGES, ROOT, Package

LAYERS = {"api", "domain", "persistence"}  # of a service: each has the same nouns
# Of the cluster's package: a command has the name of what it is about, as `logs`.
COMMANDS = ROOT / "cluster/src/tasktracker_cluster/commands"
WORKSPACE: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
TOOLS: dict[str, Any] = WORKSPACE["tool"]


def requirements(*names: str) -> set[str]:
    """Return the names of our packages in these requirements, without extras."""
    return {name.partition("[")[0] for name in names if name.startswith("tasktracker-")}


def test_the_workspace_has_every_package() -> None:
    members = TOOLS["uv"]["workspace"]["members"]
    folders = {path for member in members for path in ROOT.glob(member) if path.is_dir()}
    assert folders == {package.folder for package in PACKAGES}
    assert TOOLS["uv"]["sources"].keys() == {package.name for package in PACKAGES}


def test_every_package_is_locked_with_the_workspace() -> None:
    names = requirements(*WORKSPACE["project"]["dependencies"])
    names |= requirements(*WORKSPACE["dependency-groups"]["dev"])
    assert names == {package.name for package in PACKAGES}


def test_every_package_is_checked_and_measured() -> None:
    sources = [str(package.source.parent.relative_to(ROOT)) for package in PACKAGES]
    assert sorted(TOOLS["mypy"]["mypy_path"]) == sorted(sources)
    modules = sorted(package.module for package in PACKAGES)
    assert sorted(TOOLS["coverage"]["run"]["source_pkgs"]) == modules
    assert sorted(TOOLS["importlinter"]["root_packages"]) == modules


def repeated(package: Package) -> dict[str, list[Path]]:
    """Return the modules of a package with the same base name, except the intended ones."""
    found: dict[str, list[Path]] = defaultdict(list)
    for module in modules(package.source):
        found[module.stem].append(module.relative_to(package.source))
    return {stem: files for stem, files in found.items() if len(files) > 1 and not layered(files)}


def modules(source: Path) -> Iterator[Path]:
    """Yield the modules but `__init__.py` and COMMANDS."""
    for module in source.rglob("*.py"):
        if module.stem != "__init__" and COMMANDS not in module.parents:
            yield module


def layered(files: list[Path]) -> bool:
    """Return whether the files are one noun in several layers of a service."""
    layers = [file.parts[0] for file in files]
    return len(set(layers)) == len(layers) and set(layers) <= LAYERS


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.module)
def test_no_name_of_a_module_is_twice_in_a_package(package: Package) -> None:
    assert repeated(package) == {}
