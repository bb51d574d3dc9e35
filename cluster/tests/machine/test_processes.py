"""machine.processes: the processes of a site, and their end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tasktracker_cluster.machine import processes
from tasktracker_cluster.machine.processes import Orphan
from tasktracker_cluster.site import Site

Start = Callable[..., "subprocess.Popen[str]"]

# Says that it runs, then which signal came, and ends at once.
WAITS = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
print("runs", flush=True)
print(signal.Signals(signal.sigwait({signal.SIGINT, signal.SIGTERM})).name, flush=True)
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that starts a program called `name`, and returns it once it runs."""
    with ExitStack() as stack:

        def start(
            name: str, *words: str | Path, cwd: Path = Path("/"), **variables: str
        ) -> "subprocess.Popen[str]":
            process = subprocess.Popen(
                [name, "-c", WAITS, *words],
                executable=sys.executable,
                cwd=cwd,
                env={**os.environ, **variables},
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            assert process.stdout
            assert process.stdout.readline() == "runs\n"
            return process

        yield start


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.read().strip()


def test_a_site_without_processes_has_none(site: Site) -> None:
    assert processes.of_site(site) == []
    assert processes.end_all(site) == 0


def test_an_agent_is_known_by_its_configuration(site: Site, start: Start) -> None:
    agent = start("nomad", f"-config={site.agent}/nomad")
    assert processes.of_site(site) == [Orphan(agent.pid, "nomad", is_agent=True)]


def test_a_service_is_known_by_its_release(site: Site, start: Start) -> None:
    service = start(f"{site.releases}/1/bin/python")
    assert processes.of_site(site) == [Orphan(service.pid, "python", is_agent=False)]


def test_a_database_is_known_by_its_folder(site: Site, start: Start) -> None:
    database = start("/usr/lib/postgresql/15/bin/postgres", "-D", site.volume("user-db"))
    assert processes.of_site(site) == [Orphan(database.pid, "postgres", is_agent=False)]


def test_a_task_that_is_not_its_program_yet_is_known_by_its_allocation(
    site: Site, start: Start
) -> None:
    wall = start(f"{site.bin}/wall", NOMAD_ALLOC_DIR=f"{site.home}/nomad/alloc/1/alloc")
    start("sh", NOMAD_ALLOC_DIR=f"{site.home}-2/nomad/alloc/1/alloc")
    assert processes.of_site(site) == [Orphan(wall.pid, "wall", is_agent=False)]


def test_an_operators_program_in_the_folder_is_not_the_sites(site: Site, start: Start) -> None:
    site.logs.mkdir()
    start("editor", site.logs / "nomad.log")
    start("shell", cwd=site.logs)
    assert processes.of_site(site) == []


def test_a_site_whose_name_begins_the_same_is_another(site: Site, start: Start) -> None:
    start("nomad", f"-config={site.home}-2/agent/nomad")
    assert processes.of_site(site) == []


def test_a_child_of_a_database_is_left_to_its_postmaster(site: Site, start: Start) -> None:
    site.volume("user-db").mkdir(parents=True)
    start("postgres: checkpointer ", cwd=site.volume("user-db"))
    assert processes.of_site(site) == []


def test_ending_all_asks_a_database_for_its_fast_shutdown(site: Site, start: Start) -> None:
    database = start("postgres", "-D", site.volume("user-db"))
    agent = start("consul", f"-config-dir={site.agent}/consul")
    assert processes.end_all(site) == 2
    assert said(database) == signal.SIGINT.name
    assert said(agent) == signal.SIGTERM.name


def test_ending_the_agents_leaves_their_tasks(site: Site, start: Start) -> None:
    task = start(f"{site.releases}/1/bin/python")
    start("nomad", f"-config={site.agent}/nomad")
    assert processes.end_agents(site) == 1
    assert [orphan.pid for orphan in processes.of_site(site)] == [task.pid]
