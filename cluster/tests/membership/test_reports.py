"""membership.reports: what the first machine tells of the cluster, over real connections."""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.membership.conftest import First, Joins
from cluster.tests.nomad_server import allocation
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import first_machine
from tasktracker_cluster.doctor.hops import Finding
from tasktracker_cluster.errors import CommandError, RefusedJoinError
from tasktracker_cluster.jobs.logs import Line
from tasktracker_cluster.machine import wait
from tasktracker_cluster.membership import caller, reports
from tasktracker_cluster.monitoring import of_first
from tasktracker_cluster.monitoring.status import Row
from tasktracker_cluster.site import Site

JOB = Row("job", "portal", "running", 2, 2, "passing", ("node-1", "node-2"))
METRICS = Row("job", "metrics", "running", 1, 1, "passing", ("node-1",))
BACKUP = Row("backup", "task-db", "3 hours old", None, None, "passing")
AGENT = Row("agent", "consul", "running", 1, 1, "passing")


@pytest.fixture
def home() -> Iterator[Path]:
    """Give the folder of a cluster that does not run. Its name must be short."""
    with tempfile.TemporaryDirectory(prefix="tt-", dir="/tmp") as folder:
        Path(folder, "owner.json").write_text('{"checkout": "/"}')
        yield Path(folder)


def test_a_report_is_what_the_command_prints_also_when_something_is_broken(home: Path) -> None:
    rows = reports.make(Site(home, home), "status")
    assert {row["health"] for row in rows if row["kind"] == "job"} == {"no agents"}


def test_a_command_that_fails_makes_no_report(home: Path) -> None:
    (home / "node.json").write_text("{")
    with pytest.raises(CommandError, match=r"`status` failed .*node.json is damaged") as raised:
        reports.make(Site(home, home), "status")
    assert raised.value.hint == "There: ./just status"


def test_a_command_that_takes_too_long_is_ended(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "LIMIT_SECONDS", 0.01)
    with pytest.raises(CommandError, match="it took longer"):
        reports.make(Site(home, home), "status")


def test_what_a_command_that_takes_too_long_has_started_is_ended_too(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = home / "python"
    program.write_text(f"#!/bin/sh\nsleep 60 & echo $! > {home}/child; wait\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(reports, "LIMIT_SECONDS", 5)
    since = time.monotonic()
    with pytest.raises(CommandError, match="it took longer"):
        reports.make(Site(home, home), "doctor")
    assert time.monotonic() < since + 30, "its child kept the pipe open"
    child = int((home / "child").read_text())
    wait.until("the end of its child", lambda: not is_running(child), 20)


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_caller_does_not_wait_for_ever_for_the_report_before(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "WAIT_SECONDS", 0.01)
    with reports._one_at_a_time, pytest.raises(CommandError, match="other reports took longer"):
        reports.make(Site(home, home), "status")
    assert reports.make(Site(home, home), "status"), "it waits no longer"


def test_a_caller_waits_longer_than_a_report_may_take() -> None:
    assert reports.WAIT_SECONDS + reports.LIMIT_SECONDS < caller.ANSWER_SECONDS


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[dict[str, Any]]]:
    """Choose what each command prints on the first machine."""
    rows: dict[str, list[dict[str, Any]]] = {}
    monkeypatch.setattr(reports, "make", lambda _, what: rows[what])
    return rows


@pytest.fixture
def joined(first: First, join: Joins) -> Cluster:
    return FakeCluster(join(), first.nomad, first.consul)


def finding(path: str, hop: str, state: str = "ok", detail: str = "", repair: str = "") -> Any:
    return {"path": path, "hop": hop, "state": state, "detail": detail, "repair": repair}


def test_each_path_of_the_first_machines_doctor_is_a_hop(
    joined: Cluster, printed: dict[str, Any]
) -> None:
    printed["doctor"] = [
        finding("machine", "disk"),
        finding("machine", "certificates"),
        finding("agents", "Consul"),
        finding("agents", "Nomad", "broken", "Nomad has no leader", "./just logs nomad"),
        finding("agents", "node", "skipped"),
        finding("gateway", "instance", "skipped"),
    ]
    path, repair = first_machine.PATH, "On 127.0.0.1: ./just logs nomad"
    assert list(first_machine.findings(joined)) == [
        Finding(path, "machine", "ok", "2 hops work"),
        Finding(path, "agents", "broken", "Nomad: Nomad has no leader", repair),
        Finding(path, "gateway", "skipped"),
    ]


def test_a_first_machine_that_is_away_is_a_broken_hop_which_says_what_is_not_checked(
    joined: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "MEMBERSHIP_PORT", 1)
    (found,) = first_machine.findings(joined)
    assert (found.state, found.hop) == ("broken", "doctor")
    assert "The first machine does not answer at 127.0.0.1" in found.detail
    assert first_machine.UNCHECKED in found.detail
    assert found.repair


def test_the_first_machine_asks_nobody(first: First) -> None:
    assert list(first_machine.findings(first.cluster)) == []
    assert of_first.rows(first.cluster, []) == []


def test_status_has_the_lines_that_only_the_first_machine_has(
    joined: Cluster, printed: dict[str, Any]
) -> None:
    told = (AGENT, JOB, METRICS, BACKUP)
    printed["status"] = [{**vars(row), "nodes": list(row.nodes)} for row in told]
    task_db = Row("job", "task-db", "running", 1, 1, "passing")
    assert of_first.rows(joined, [AGENT, JOB, task_db]) == [METRICS, BACKUP]


def test_status_says_that_the_first_machine_is_away(
    joined: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "MEMBERSHIP_PORT", 1)
    (row,) = of_first.rows(joined, [])
    assert not row.is_well
    assert "backups and alerts are unknown: The first machine does not answer" in row.health


ALLOCATION = "0a1b2c3d-1111-2222-3333-444455556666"


def test_the_last_lines_of_a_jobs_log_are_told(first: First, joined: Cluster) -> None:
    first.nomad.has_job("portal", allocation(ALLOCATION))
    content, file = b"one\ntwo\n", {"Name": "app.stdout.0", "Size": 8}
    first.nomad.answers[f"/v1/client/fs/ls/{ALLOCATION}"] = [file]
    first.nomad.answers[f"/v1/client/fs/logs/{ALLOCATION}"] = content
    assert reports.ask_logs(joined.site, "portal", None, 1) == [Line(ALLOCATION[:8], "two")]


@pytest.mark.parametrize("job", ["consul", "nomad", "membership", "other"])
def test_no_log_of_an_agent_is_told(joined: Cluster, job: str) -> None:
    with pytest.raises(RefusedJoinError, match="no job has this name"):
        reports.ask_logs(joined.site, job, None, 1)


@pytest.mark.parametrize("lines", [-1, reports.MOST_LINES + 1])
def test_the_number_of_lines_is_limited(joined: Cluster, lines: int) -> None:
    with pytest.raises(RefusedJoinError, match=r"cannot read this request \(lines"):
        reports.ask_logs(joined.site, "portal", None, lines)


@pytest.mark.parametrize("what", ["up", "env", "destroy", "status --json", ""])
def test_no_other_command_runs_on_the_first_machine(joined: Cluster, what: str) -> None:
    with pytest.raises(RefusedJoinError, match=r"cannot read this request \(what"):
        caller.call(joined.site, "/report", {"what": what})
