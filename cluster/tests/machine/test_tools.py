"""machine.tools: the versions of Nomad and Consul that can be used, from PATH or the cache."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tasktracker_cluster.errors import MissingProgramError, NoSpaceError
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


def quiet(name: str) -> Step:
    return Step(name, Console(quiet=True), status=None)


def find(checkout: Path) -> Path:
    return tools.find(checkout, tools.CONSUL, quiet("Consul"))


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
    alias = source / tools.CONSUL.edits[0].file
    alias.parent.mkdir(parents=True)
    alias.write_text("const maxDurationBetweenUpdates = 2 * time.Minute\n")
    answer = json.dumps({"Dir": str(source)})
    go = program(path, "go", "")
    go.write_text(f"#!/bin/sh\n[ \"$1\" = version ] && echo go1.99 || echo '{answer}'\n")
    with pytest.raises(MissingProgramError, match=r"alias\.go of consul does not have"):
        find(checkout)


def test_a_tool_with_another_edit_is_built_anew() -> None:
    plain = replace(tools.CONSUL, edits=())
    assert plain.file_name(PINNED) == "consul-1.22.6"
    assert tools.CONSUL.file_name(PINNED).startswith("consul-1.22.6-")
    fewer = replace(tools.CONSUL, edits=tools.CONSUL.edits[:1])
    assert fewer.file_name(PINNED) != tools.CONSUL.file_name(PINNED)


@pytest.fixture
def observing(checkout: Path, path: Path) -> Path:
    """Return a checkout with the module of the programs of `observe`, which needs Go 1.26.6."""
    module = checkout / "tools" / "victoria"
    module.mkdir()
    (module / "go.mod").write_text("module victoria\n\ngo 1.26.6\n")
    (module / "go.sum").touch()
    return checkout


def observers(checkout: Path) -> Path:
    return tools.observers(checkout, quiet("programs"))


def compiler(folder: Path, version: str, building: str) -> None:
    """Put a Go of this version into a folder. It builds with a line of shell, into `$2`."""
    lines = ["#!/bin/sh", f'[ "$1" = version ] && echo go{version} && exit',
             'while [ "$1" != -o ]; do shift; done', building]  # fmt: skip
    program(folder, "go", "").write_text("\n".join(lines))


def test_of_two_builds_at_once_one_waits_and_takes_what_the_other_one_built(
    observing: Path, path: Path
) -> None:
    builds = observing / "builds"
    # Long enough for the other one to see that nothing is built yet.
    compiler(path, "1.26.6", f'echo "$2" >> "{builds}"; sleep 0.5')
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(observers, [observing] * 2)
    assert one == other
    assert one.is_dir()
    assert len(builds.read_text().splitlines()) == 1


def test_a_build_that_cannot_be_stored_fails(observing: Path, path: Path) -> None:
    compiler(path, "1.26.6", 'rmdir "$2"')
    with pytest.raises(FileNotFoundError):
        observers(observing)


def test_each_module_says_which_go_is_too_old(observing: Path, path: Path) -> None:
    compiler(path, "1.26.5", 'touch "$2"')
    compiler(tools.cache_folder() / "go" / "bin", "1.26.6", 'touch "$2/built"')
    assert (observers(observing) / "built").exists()  # by the one of the wheel
    module = observing / "tools" / "nomad" / "go.mod"
    module.parent.mkdir()
    module.write_text("go 1.25.8\n\nrequire github.com/hashicorp/nomad v1.99.0\n")
    nomad = replace(tools.NOMAD, edits=())
    assert tools.find(observing, nomad, quiet("Nomad")).is_file()  # by the one on PATH


def test_without_space_the_hint_is_one_that_helps(
    observing: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "BUILD_BYTES", 2**60)
    with pytest.raises(NoSpaceError) as failure:
        observers(observing)
    assert failure.value.hint == "Delete files."
