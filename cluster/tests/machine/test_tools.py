"""machine.tools: the versions of Nomad and Consul that can be used, from PATH or the cache."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tasktracker_cluster.errors import MissingProgramError
from tasktracker_cluster.machine import tools
from tasktracker_cluster.progress import Step
from tasktracker_cluster.site import Site

PINNED = (1, 22, 6)


@pytest.fixture
def checkout(site: Site) -> Path:
    """Return a checkout that pins Consul."""
    module = site.checkout / "tools" / "consul" / "go.mod"
    module.parent.mkdir(parents=True)
    module.write_text("module consul\n\nrequire (\n\tgithub.com/hashicorp/consul v1.22.6\n)\n")
    return site.checkout


def program(folder: Path, name: str, version: str) -> Path:
    """Put a program into a folder that says its version as Consul does."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho 'Consul v{version}'\n")
    file.chmod(0o755)
    return file


def find(checkout: Path) -> Path:
    return tools.find(checkout, tools.CONSUL, Step("Consul", Console(quiet=True), status=None))


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ((1, 22, 6), True),
        ((1, 22, 10), True),
        ((1, 22, 5), False),
        ((1, 23, 0), False),
        ((2, 22, 6), False),
        (None, False),
    ],
)
def test_a_version_fits_from_the_pinned_one_on_within_its_series(
    version: tuple[int, ...] | None, fits: bool
) -> None:
    assert tools.fits(version, PINNED) is fits


def test_the_pinned_version_is_what_the_module_requires(checkout: Path) -> None:
    assert tools.pinned_version(checkout, "consul") == PINNED


def test_a_module_that_requires_something_else_is_named(checkout: Path) -> None:
    (checkout / "tools/consul/go.mod").write_text("require github.com/hashicorp/consul/api v1.2.3")
    with pytest.raises(MissingProgramError, match=r"tools/consul/go\.mod requires no"):
        tools.pinned_version(checkout, "consul")


def test_a_program_says_its_version(tmp_path: Path) -> None:
    assert tools.installed_version(program(tmp_path, "consul", "1.22.7")) == (1, 22, 7)


def test_a_failing_or_missing_program_has_no_version(tmp_path: Path) -> None:
    broken = program(tmp_path, "consul", "1.22.7")
    broken.write_text("#!/bin/sh\nexit 1\n")
    assert tools.installed_version(broken) is None
    assert tools.installed_version(tmp_path / "nowhere") is None


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on PATH, before all others; the cache is empty."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "path"


def test_a_fitting_program_on_path_is_taken(checkout: Path, path: Path) -> None:
    fitting = program(path, "consul", "1.22.9")
    assert find(checkout) == fitting


def test_with_another_series_on_path_the_built_one_is_taken(checkout: Path, path: Path) -> None:
    program(path, "consul", "1.23.0")
    built = program(tools.cache_folder(), tools.CONSUL.file_name(PINNED), "1.22.6")
    assert find(checkout) == built


def test_an_edit_that_does_not_fit_the_source_is_named(checkout: Path, path: Path) -> None:
    source = checkout / "source"
    alias = source / tools.CONSUL.edit.file if tools.CONSUL.edit else source
    alias.parent.mkdir(parents=True)
    alias.write_text("const maxDurationBetweenUpdates = 2 * time.Minute\n")
    answer = json.dumps({"Dir": str(source)})
    go = program(path, "go", "")
    go.write_text(f"#!/bin/sh\n[ \"$1\" = version ] && echo go1.99 || echo '{answer}'\n")
    with pytest.raises(MissingProgramError, match=r"alias\.go of consul does not have"):
        find(checkout)


def test_a_tool_with_another_edit_is_built_anew() -> None:
    plain = replace(tools.CONSUL, edit=None)
    assert plain.file_name(PINNED) == "consul-1.22.6"
    assert tools.CONSUL.file_name(PINNED).startswith("consul-1.22.6-")
