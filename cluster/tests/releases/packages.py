"""Small packages for tests of artifacts, which need no package registry."""

import sys
from pathlib import Path

from tasktracker_cluster.releases import wheels
from tasktracker_cluster.releases.artifact import Wheels
from tasktracker_cluster.topology import Service

TINY = Service("tiny-service", "tiny", 8009, "/tiny")


def write(
    checkout: Path, folder: str, module: str, requires: str = "", name: str | None = None
) -> None:
    """Write a package of the checkout. Its program prints the name of its module."""
    package = checkout / "services" / folder
    source = package / "src" / module
    source.mkdir(parents=True)
    (source / "__init__.py").touch()
    (source / "__main__.py").write_text(f"print({module!r})\n")
    (package / "pyproject.toml").write_text(
        f'[project]\nname = "{name or f"tasktracker-{folder}"}"\nversion = "1.2.3"\n'
        f"dependencies = [{requires}]\n"
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        f'[tool.hatch.build.targets.wheel]\npackages = ["src/{module}"]\n'
    )


def built(checkout: Path, folder: Path) -> Wheels:
    """Build the wheels of the checkout in a new folder."""
    folder.mkdir()
    wheels.ours(checkout, folder)
    return Wheels((folder,), Path(sys.executable).resolve())
