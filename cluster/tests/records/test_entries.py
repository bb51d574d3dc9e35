"""records.entries and records.log_files: the records of all files of a machine, in order."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasktracker_cluster.errors import NotRootError, StaleStateError
from tasktracker_cluster.records import entries, log_files
from tasktracker_cluster.records.conditions import Conditions
from tasktracker_cluster.records.log_files import Log
from tasktracker_cluster.records.record import Origin, Record
from tasktracker_cluster.site import Site

FIRST, SECOND = "0a1b2c3d-1111-2222-3333-444455556666", "9f8e7d6c-1111-2222-3333-444455556666"
DAY = "2026-11-27"


def at(second: int) -> str:
    return f"{DAY}T12:00:{second:02}.000"


def request(second: int, identifier: str) -> str:
    return f'{{"timestamp":"{at(second)}Z","event":"request","request_id":"{identifier}"}}\n'


def write(site: Site, path: str, text: str) -> Path:
    file = site.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def logged(site: Site) -> Site:
    """Return a site with logs of three services, two of them rotated, and of an agent."""
    stats, task = (f"nomad/alloc/{each}/alloc/logs" for each in (FIRST, SECOND))
    write(site, f"{stats}/app.stdout.9", request(1, "r1") + request(3, "r1"))
    write(site, f"{stats}/app.stdout.10", request(7, "r1") + request(8, "r2")[:30])
    write(site, f"{stats}/.app.stdout.fifo", "no log\n")
    write(site, f"{stats}/connect-proxy-stats-service.stderr.0", "")
    write(
        site, f"{task}/connect-proxy-task-service.stderr.0", "[2026-11-27 12:00:00.0][1][info] x\n"
    )
    write(site, f"{task}/app.stdout.0", request(2, "r1") + request(6, "r3"))
    write(site, "logs/consul-1.log", f"{at(0)}Z [INFO]  agent: r1\n")
    write(site, "logs/consul.log", f"{at(4)}Z [WARN]  agent: late\n{at(3)}Z [INFO]  agent: early\n")
    return site


def found(site: Site, **conditions: Any) -> list[Record]:
    return list(entries.search(log_files.find(site), Conditions(**conditions)))


def test_one_requests_records_of_all_services_come_in_the_order_of_time(logged: Site) -> None:
    seen = [(r.moment[17:19], r.origin.service) for r in found(logged, request_id="r1")]
    assert seen == [
        ("00", "consul"), ("01", "stats-service"), ("02", "task-service"), ("03", "stats-service"),
        ("07", "stats-service"),
    ]  # fmt: skip


def test_a_record_names_its_task_and_instance(logged: Site) -> None:
    (record,) = found(logged, request_id="r3")
    assert record.origin == Origin("task-service", "app", SECOND[:8])


def test_a_line_that_is_being_written_is_not_read_yet(logged: Site) -> None:
    assert found(logged, request_id="r2") == []
    file = f"nomad/alloc/{FIRST}/alloc/logs/app.stdout.11"
    write(logged, file, request(8, "r2")[30:])
    assert len(found(logged, request_id="r2")) == 1, "its end may be in the next file"


def test_lines_of_one_log_are_sorted_when_they_are_out_of_order(logged: Site) -> None:
    assert [r.event for r in found(logged, service="consul")] == [
        "agent: r1", "agent: early", "agent: late",
    ]  # fmt: skip


def test_files_that_did_not_change_since_are_not_read(logged: Site) -> None:
    since = datetime(2026, 11, 27, 12, 0, 2, tzinfo=UTC)
    old = logged.home / f"nomad/alloc/{FIRST}/alloc/logs/app.stdout.9"
    before = (since - timedelta(hours=1)).timestamp()
    os.utime(old, (before, before))
    wanted = Conditions(service="stats-service", since=since)
    records = list(entries.search(log_files.find(logged), wanted))
    assert [r.moment[17:19] for r in records] == ["07"]


def test_postgresqls_further_lines_are_joined_to_their_entry(site: Site) -> None:
    line = f"{DAY} 12:00:00.000 UTC [41]"
    text = (
        f"{line} ERROR:  no such table\n{line} HINT:  look\n{line} STATEMENT:  SELECT 1\n\tFROM x\n"
    )
    folder = f"nomad/alloc/{FIRST}/alloc/logs"
    write(site, "logs/consul.log", "")
    write(site, f"{folder}/connect-proxy-task-db.stdout.0", "")
    write(site, f"{folder}/postgres.stderr.0", f"{text}{line} LOG:  next\n")
    first, second = found(site, service="task-db")
    assert (first.level, first.event.count("\n")) == ("error", 3)
    assert "FROM x" in first.event
    assert second.event == "LOG:  next"


@pytest.mark.parametrize(
    ("task", "service"), [("traefik", "traefik"), ("server", "store"), ("install", "release"),
                          ("unknown", FIRST[:8])]
)  # fmt: skip
def test_a_job_without_a_sidecar_is_known_by_its_task(site: Site, task: str, service: str) -> None:
    write(site, "logs/consul.log", "")
    write(site, f"nomad/alloc/{FIRST}/alloc/logs/{task}.stdout.0", "one\n")
    assert [log.origin for log in log_files.find(site) if log.origin.task] == [
        Origin(service, task, FIRST[:8])
    ]


def test_what_has_no_time_has_that_of_the_line_before_or_of_the_file(site: Site) -> None:
    file = write(site, "logs/consul.err", f"one\n  more\n{at(4)}Z [INFO]  two\nthree\n")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    one, two, three = found(site)
    assert (one.event, one.time.timestamp()) == ("one\n  more", 1_000_000_000)
    assert (three.event, three.time) == ("three", two.time)


def test_the_supervisors_old_logs_come_before_its_newest(site: Site) -> None:
    for number, name in enumerate(("supervisord.log.2", "supervisord.log.1", "supervisord.log")):
        write(site, f"logs/{name}", f"{DAY} 12:00:00,{number:03} INFO {number}\n")
    (log,) = log_files.find(site)
    assert [file.name[-1] for file in log.files] == ["2", "1", "g"]


def test_the_log_of_a_databases_preparation_is_read(site: Site) -> None:
    write(site, "logs/consul.log", "")
    write(site, "volumes/task-db/data/prepare.log", f"{DAY} 12:00:00.000 UTC [4] LOG:  prepared\n")
    (record,) = found(site, service="task-db")
    assert record.origin == Origin("task-db", "prepare")


def test_a_file_that_is_deleted_meanwhile_has_no_lines(tmp_path: Path) -> None:
    log = Log(Origin("portal"), (tmp_path / "gone",))
    assert list(entries.search([log], Conditions())) == []
    assert log.since(datetime.now(UTC)).files == log.files


def test_without_a_state_folder_it_says_so(site: Site) -> None:
    with pytest.raises(StaleStateError, match="has no logs"):
        log_files.find(site)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_another_user_is_told_to_use_sudo(site: Site) -> None:
    site.logs.mkdir(mode=0o700)
    parents = [site.logs.parent, *site.logs.parents]
    for folder in parents:
        if folder.stat().st_mode & 0o001 == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o001)
    os.seteuid(65534)
    try:
        with pytest.raises(NotRootError, match="Only root"):
            log_files.find(site)
    finally:
        os.seteuid(0)


def test_thousands_of_lines_out_of_order_by_a_few_are_sorted() -> None:
    times = [datetime(2026, 11, 27, tzinfo=UTC) + timedelta(seconds=n ^ 3) for n in range(2000)]
    records = [Record(time, Origin("x"), "info", "e", {}) for time in times]
    assert [r.time for r in entries.ordered(records)] == sorted(times)
