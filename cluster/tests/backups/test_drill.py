"""backups.drill: what is known of the last drill."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from cluster.tests.backups.conftest import Listing, backup
from tasktracker_cluster.backups import drill
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import AdminError, CommandError, NoBackupError
from tasktracker_cluster.machine import shell
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site


@pytest.fixture
def site(site: Site) -> Site:
    site.backup.mkdir()
    return site


def held(site: Site, age: timedelta) -> None:
    at = (datetime.now(UTC) - age).isoformat()
    site.drilled_file.write_text(json.dumps({"at": at, "rows": 7}))


def test_no_drill_is_no_fault_until_one_is_overdue(site: Site) -> None:
    assert drill.health(site) == drill.Health(None, "")
    assert drill.health(site).told == "no drill yet"
    site.barman_conf.touch()
    assert not drill.health(site).fault
    then = datetime.now(UTC) - timedelta(days=9)
    os.utime(site.barman_conf, (then.timestamp(), then.timestamp()))
    assert drill.health(site) == drill.Health(None, "no drill yet")


def test_the_health_says_how_long_ago_the_last_drill_was(site: Site) -> None:
    held(site, timedelta(hours=3))
    assert drill.health(site).told == "3 h ago"
    assert not drill.health(site).fault
    held(site, timedelta(days=9))
    assert drill.health(site).fault == "the last drill is too old"


def test_a_drill_of_a_database_that_does_not_answer_is_remembered_as_failed(
    site: Site, cluster: Cluster
) -> None:
    held(site, timedelta(hours=3))
    with pytest.raises(AdminError):
        drill.hold(cluster, Steps(Console(quiet=True)), ["task-db"])
    found = drill.health(site)
    assert found.told == "3 h ago"
    assert found.fault.startswith("the last drill failed: ")


def refusing(attempts: Path, times: int, reason: str) -> Callable[[], str]:
    """Return a question that fails so often, and notes each attempt in a file."""
    script = f"""echo >>{attempts}
[ "$(wc -l <{attempts})" -gt {times} ] || {{ echo 'ERROR:  {reason}' >&2; exit 1; }}
echo done"""
    return partial(shell.run, ["sh", "-c", script])


LOCKED = "canceling statement due to lock timeout"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses between attempts, which take no time."""
    made: list[float] = []
    monkeypatch.setattr(time, "sleep", made.append)
    return made


def test_locks_that_take_too_long_are_given_up_and_asked_for_again_after_a_pause(
    tmp_path: Path, pauses: list[float]
) -> None:
    assert drill.run_when_quiet(refusing(tmp_path / "attempts", 3, LOCKED)) == "done\n"
    assert pauses == [drill.PAUSE_SECONDS] * 3


@pytest.mark.usefixtures("pauses")
@pytest.mark.parametrize(("reason", "attempts"), [(LOCKED, 10), ("the database is gone", 1)])
def test_after_ten_attempts_or_another_fault_nothing_is_asked_again(
    tmp_path: Path, reason: str, attempts: int
) -> None:
    file = tmp_path / "attempts"
    with pytest.raises(CommandError):
        drill.run_when_quiet(refusing(file, 99, reason))
    assert len(file.read_text()) == attempts


def test_a_backup_from_before_the_log_began_anew_is_not_tried(
    site: Site, cluster: Cluster, listing: Listing
) -> None:
    end = datetime.now(UTC) - timedelta(hours=1)
    listing(backup(end))
    (site.repository / "task-db/anew").write_text(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n")
    with pytest.raises(NoBackupError, match="no backup of task-db since its log began anew"):
        drill.hold(cluster, Steps(Console(quiet=True)), ["task-db"])
