"""The memory and the processor time of a cluster's processes are measured for each kind."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import footprint
from tasktracker_cluster.site import Site

# It says that it runs, works in children that end, and fills some memory.
WORKS = f"""
import subprocess
filled = b"x" * (20 * 2**20)
print("runs", flush=True)
while True:
    subprocess.run([{sys.executable!r}, "-c", "sum(range(10**6))"])
"""
IDLES = 'import time; print("runs", flush=True); time.sleep(60)'


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "state", tmp_path)


@contextmanager
def running(site: Site, name: str, program: str) -> Iterator[None]:
    """Run Python as if it were a program of the site with this name."""
    with subprocess.Popen(
        [f"{site.releases}/1/bin/{name}", "-c", program],
        executable=sys.executable,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "runs\n"
            yield
        finally:
            process.kill()


def test_each_kind_of_process_has_its_own_memory(site: Site) -> None:
    with running(site, "envoy", WORKS), running(site, "traefik", IDLES):
        used = footprint.memory(site)

    assert used.keys() == {"sidecars", "Traefik", footprint.FILES}
    assert used["sidecars"] > used["Traefik"] + 20


def test_the_processor_time_of_children_that_have_ended_counts(site: Site) -> None:
    with running(site, "envoy", WORKS), running(site, "traefik", IDLES):
        used = footprint.processor(site, seconds=1)

    assert used["sidecars"] > 5
    assert used["Traefik"] < used["sidecars"]


def test_a_program_of_no_known_kind_counts_too(site: Site) -> None:
    with running(site, "new-program", IDLES):
        assert footprint.memory(site).keys() == {"others", footprint.FILES}


def test_processes_of_another_site_do_not_count(site: Site, tmp_path: Path) -> None:
    with running(Site(tmp_path / "another", tmp_path), "envoy", IDLES):
        assert footprint.memory(site) == {}
