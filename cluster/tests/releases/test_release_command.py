"""`admin release`: the real services, from the real lock."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import SERVICES

NEEDED = ("cli", "cluster", "justfile", "nomad", "pyproject.toml", "requirements", "services")


def release(to: Path, checkout: Path, umask: int = 0o022, **env: str) -> None:
    path = f"{checkout}/cli/src:{checkout}/cluster/src"  # before the packages of .venv
    done = subprocess.run(
        [sys.executable, "-m", "tasktracker_cli", "admin", "release", "--to", to],
        env={**os.environ, "PYTHONPATH": path, **env},
        umask=umask,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_two_builds_of_one_checkout_are_equal_in_another_place_without_a_cache(
    tmp_path: Path,
) -> None:
    checkout = Site.from_environment().checkout
    copy = tmp_path / "another" / "place"
    for name in NEEDED:
        source, target = checkout / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=shutil.copy)
        else:
            shutil.copy(source, target)
    other = {"TZ": "Pacific/Auckland", "SOURCE_DATE_EPOCH": "1700000000",
             "XDG_CACHE_HOME": str(tmp_path / "cache")}  # fmt: skip
    with ThreadPoolExecutor() as pool:  # each takes a minute
        both = [
            pool.submit(release, tmp_path / "one", checkout),
            pool.submit(release, tmp_path / "two", copy, umask=0o077, **other),
        ]
    for each in both:
        each.result()
    built = sorted(path.name for path in (tmp_path / "one").iterdir())
    suffixes = ("pex", "pex.sha256", "cdx.json")
    names = ("programs", *(service.name for service in SERVICES))
    assert built == sorted(f"{name}.{suffix}" for name in names for suffix in suffixes)
    for name in built:
        first, second = tmp_path / "one" / name, tmp_path / "two" / name
        assert first.read_bytes() == second.read_bytes(), name
