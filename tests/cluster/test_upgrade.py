"""Three machines go from PostgreSQL 15 to 17, and back: by hand, as it takes minutes.

    DRILL_ROUNDS=1 .venv/bin/pytest -m drill tests/cluster/test_upgrade.py

They do it by the commands of docs/operations/upgrading.md.
"""

import re
import shutil
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasktracker_cluster.jobs import numbers, postgres, replication, switchover
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tasktracker_cluster.testing.throwaway import PROGRAM
from tasktracker_cluster.topology import DATABASES
from tests import newer_postgres
from tests.cluster import health, load
from tests.figures import Say
from tests.rounds import by_hand

pytestmark = [pytest.mark.drill, by_hand]

LIMIT_SECONDS = 180
OLD, NEW = "15", newer_postgres.VERSION
SUM = "SELECT count(*), sum(hashtextextended(x::text, 0)::numeric) FROM {} AS x"  # of all rows
TABLES = {"user-db": "users", "task-db": "tasks"}


@pytest.fixture(scope="module")
def programs() -> Iterator[Path]:
    """Give the folder of the newer version's programs."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with newer_postgres.programs(folder) as programs:
            yield programs
    finally:
        shutil.rmtree(folder)


def commands(heading: str, step: int | None = None) -> str:
    """Return the commands below a heading of the page, or those of one of its steps."""
    page = Path(__file__).parents[2] / "docs/operations/upgrading.md"
    text = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    if step is not None:
        text = text.partition(f"\n{step}. ")[2].partition(f"\n{step + 1}. ")[0]
    (found,) = re.findall(r"(?ms)^ *```sh\n(.*?)^ *```", text)
    return textwrap.dedent(found)


def run(machine: Machine, *scripts: str, old: str = OLD, new: str = NEW, **variables: str) -> None:
    """Run commands of the page on a machine, as they are there but for the paths of a test."""
    first = commands("The upgrade", 1)
    assert f"old={OLD} new={NEW}" in first
    first = first.replace(f"old={OLD} new={NEW}", f"old={old} new={new}")
    text = "\n".join((first, *scripts)).replace("/var/lib/tasktracker", str(machine.home))
    result = subprocess.run(
        [*machine.prefix, "bash", "-eu", "-c", text.replace("./just", f"{PROGRAM} admin")],
        cwd=machine.site.checkout,
        env=machine.environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def version(machine: Machine, database: str) -> str:
    """Return the major version of a machine's member, empty when it does not answer."""
    answer = postgres.query(machine.site, database, "SHOW server_version")
    return subprocess.run(answer, capture_output=True, text=True).stdout.partition(".")[0]


def sums(machine: Machine) -> dict[str, str]:
    """Return how many rows a table of each database has, and a checksum of them."""
    return {
        name: shell.run(postgres.query(machine.site, name, SUM.format(table)))
        for name, table in TABLES.items()
    }


def let_lead(machine: Machine) -> None:
    """Let a machine have the leader of each database."""
    for database in DATABASES:
        with machine.inside():
            cluster = machine.as_operator
            while not switchover.leads(cluster, database.name, numbers.member(cluster)):
                switchover.switch(cluster, database.name)
                wait.until("three members", lambda: are_complete(machine), LIMIT_SECONDS)


def are_complete(first: Machine) -> bool:
    """Return whether two members of each database copy the leader."""
    with first.inside():
        consul = first.consul
        known = [replication.members_of(consul, each.name) for each in DATABASES]
    return all(len(each) == 3 and all(member.is_well for member in each) for each in known)


def wait_upgraded(lab: Laboratory, wanted: str) -> None:
    """Wait until all members are of a version, and receive the log of the leader."""
    first = lab.machines[0]
    wait.until("three members", lambda: are_complete(first), LIMIT_SECONDS)
    found = {version(machine, name) for machine in lab.machines for name in TABLES}
    assert found == {wanted}
    health.settle(lab)


def test_the_databases_of_three_machines_are_upgraded(
    grown: Laboratory, programs: Path, say: Say
) -> None:
    first, *others = grown.machines
    with load.requests(grown, [first], "edith") as sent:
        wait.until("some tasks", lambda: len(sent.acknowledged) >= 20, LIMIT_SECONDS)
    health.settle(grown)
    let_lead(first)
    before = sums(first)

    begin = time.monotonic()
    run(first, commands("The upgrade", 3))
    stopped = time.monotonic()
    run(first, commands("The upgrade", 4))
    upgraded = time.monotonic()
    for machine in others:
        run(machine, commands("The upgrade", 5))
    run(first, commands("The upgrade", 6), NOMAD_VAR_programs=str(programs))
    started = time.monotonic()
    run(first, commands("The upgrade", 7))
    assert sums(first) == before
    wait_upgraded(grown, NEW)
    assert {name: sums(others[1])[name] for name in TABLES} == before
    # `titles` logs in with the password from before.
    assert set(sent.acknowledged) <= load.titles(grown, first, "edith")
    with load.requests(grown, [first], "edith") as later:
        wait.until("some tasks", lambda: len(later.acknowledged) >= 20, LIMIT_SECONDS)
    assert set(later.acknowledged) <= load.titles(grown, first, "edith")
    say(
        f"stop {stopped - begin:.1f} s, upgrade of both {upgraded - stopped:.1f} s, "
        f"start {started - upgraded:.1f} s"
    )


def test_and_go_back(grown: Laboratory, programs: Path) -> None:
    """What was written since is lost. It needs the test above."""
    first, *others = grown.machines
    with load.requests(grown, [first], "gertrude") as sent:
        wait.until("a task", lambda: bool(sent.acknowledged), LIMIT_SECONDS)
    run(first, commands("The upgrade", 3), commands("Go back"))
    for machine in others:
        run(machine, commands("The upgrade", 5), old=NEW, new=OLD)
    run(first, commands("The upgrade", 6))
    wait_upgraded(grown, OLD)
    assert load.titles(grown, first, "edith")
    assert not load.titles(grown, first, "gertrude")  # it makes her account again
