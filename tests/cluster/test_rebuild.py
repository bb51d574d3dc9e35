"""A cluster that is destroyed comes back on another machine, from its backups alone."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tasktracker_cluster.backups import reception
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import postgres
from tasktracker_cluster.machine import shell, wait
from tasktracker_cluster.testing.machines import Laboratory, Machine
from tests.cluster import load
from tests.figures import Say

pytestmark = pytest.mark.drill

LIMIT_SECONDS = 300
CHECKSUM = "SELECT count(*), sum(hashtextextended(x::text, 0)::numeric) FROM {} AS x"  # of all rows
TABLES = {"user-db": "users", "task-db": "tasks"}
SECRETS = ("consul-management.token", "nomad-management.token", "consul-gossip.key")


@pytest.fixture(scope="module")
def places(lab: Laboratory) -> Iterator[Path]:
    """Give a folder that outlives the machines."""
    folder = lab.machines[0].home.parents[1] / "places"
    folder.mkdir(mode=0o755)
    yield folder
    for machine in lab.machines:
        machine.kill()  # one of them keeps backups there
    # What receives the log ends when it notices that, and writes there until then.
    wait.until("the end of the folder's last user", lambda: is_removed(folder), LIMIT_SECONDS)


def is_removed(folder: Path) -> bool:
    try:
        shutil.rmtree(folder)
    except OSError:
        return not folder.exists()
    return True


def checksums(machine: Machine) -> dict[str, str]:
    return {
        database: shell.run(postgres.query(machine.site, database, CHECKSUM.format(table)))
        for database, table in TABLES.items()
    }


def wait_received(machine: Machine) -> None:
    with machine.inside():
        for database in TABLES:
            wait.until(
                f"the log of {database}",
                partial(has_received, machine.as_operator, database),
                LIMIT_SECONDS,
            )


def has_received(cluster: Cluster, database: str) -> bool:
    return reception.behind(cluster, database) == 0


def error(machine: Machine, *words: str) -> str:
    """Run a command that must fail, and return the code of its error."""
    result = machine.admin(*words, "--json", check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    return str(json.loads(result.stderr.splitlines()[-1])["error"]["code"])


def secrets_of(machine: Machine) -> list[str]:
    return [(machine.site.secrets / name).read_text() for name in SECRETS]


def wait_well(machine: Machine) -> None:
    def is_well() -> bool:
        # Without a leader of Consul it ends with an error, and prints no rows.
        found = json.loads(machine.admin("status", "--json", check=False).stdout or "[]")
        return {row["health"] for row in found} == {"passing"}

    wait.until("a cluster without a fault", is_well, LIMIT_SECONDS)


def test_a_destroyed_cluster_comes_back_from_encrypted_copies(
    lab: Laboratory, places: Path, say: Say
) -> None:
    first, second, _ = lab.machines
    copies, key = places / "copies", places / "safe.key"
    first.admin("up")
    first.admin("backup", "on", "--to", str(places / "one"), "--copies", str(copies))
    first.admin("backup", "key", str(key))
    with load.requests(lab, [first], "ada") as sent:
        wait.until("some tasks", lambda: len(sent.acknowledged) >= 20, LIMIT_SECONDS)
    wait_received(first)
    first.admin("backup", "copy")
    before, old = checksums(first), secrets_of(first)

    assert error(first, "rebuild", "--from", str(copies), "--key", str(key)) == "stale-state"
    first.admin("destroy", "--yes")
    assert not first.home.exists()
    shutil.rmtree(places / "one")

    wrong = places / "wrong.key"
    wrong.write_text("wrong\n")
    assert error(second, "rebuild", "--from", str(copies), "--key", str(wrong)) == "wrong-key"
    assert error(second, "rebuild", "--from", str(copies)) == "bad-folder"
    assert error(second, "rebuild", "--from", str(places), "--key", str(key)) == "no-copy"

    begin = time.monotonic()
    backups = str(places / "two")
    printed = second.admin("rebuild", "--from", str(copies), "--key", str(key),
                           "--backups", backups, "--json").stdout  # fmt: skip
    seconds = time.monotonic() - begin
    assert checksums(second) == before
    rows = {row["table"]: row["rows"] for row in json.loads(printed)}
    assert rows["tasks"] == int(before["task-db"].split("|")[0])
    # `titles` logs in with the password that the lost cluster had.
    assert set(sent.acknowledged) <= load.titles(lab, second, "ada")
    assert not set(secrets_of(second)) & set(old)
    wait_well(second)
    say(f"rebuilt {rows['tasks']} tasks in {seconds:.0f} s")


def test_an_interrupted_rebuild_is_repeated_to_the_last_received_second(
    lab: Laboratory, places: Path
) -> None:
    """The repository of the test above is on a disk that outlives its machine."""
    _, second, third = lab.machines
    with load.requests(lab, [second], "ada") as sent:
        wait.until("some tasks", lambda: len(sent.acknowledged) >= 20, LIMIT_SECONDS)
    wait_received(second)  # no backup is made
    before = checksums(second)
    second.kill()
    second.admin("destroy", "--yes")

    words = ("rebuild", "--from", str(places / "two"))
    rebuilding = third.start_admin(*words)
    placed = third.site.volume("user-db") / "data"
    wait.until("the first database", placed.exists, LIMIT_SECONDS)
    os.killpg(rebuilding.pid, signal.SIGKILL)
    rebuilding.communicate()
    assert third.site.rebuilding_file.exists()
    refused = third.admin("up", check=False)
    assert "`rebuild` was interrupted" in refused.stderr

    third.admin(*words)
    assert checksums(third) == before
    assert set(sent.acknowledged) <= load.titles(lab, third, "ada")
    wait_well(third)
