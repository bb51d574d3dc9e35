"""agents.backups_program: the program that has backups copied and tried, and when it does."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasktracker_cluster.agents import backups_program, supervisor
from tasktracker_cluster.machine import wait
from tasktracker_cluster.site import Site

SCRIPT = Path(backups_program.__file__).with_name("backups.sh")
FIGURES = SCRIPT.with_name("backup_figures.sh")
LIMIT_SECONDS = 120
MINUTE = 60
NOBODY = 1  # a port on which no store listens

Watch = Callable[[], None]


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Give the folder of backups: one was made, its log is received, a drill was held."""
    folder = tmp_path / "backup"
    for name in ("verified", "done", "streaming/2.partial"):
        name = f"repository/task-db/{name}"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for name in ("copies.json", "drilled.json"):
        (folder / name).touch()
    return folder


@pytest.fixture
def watch(backup: Path, tmp_path: Path) -> Iterator[Watch]:
    """Return a function that starts the program, and waits until it has looked once."""
    program, sleep = tmp_path / "program", tmp_path / "bin" / "sleep"
    sleep.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/told\n')
    looked = f'#!/bin/sh\n[ "$1" != {MINUTE} ] || touch {tmp_path}/looked\nexec /bin/sleep 600\n'
    sleep.write_text(looked)
    for each in (program, sleep):
        each.chmod(0o755)
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        started.append(
            subprocess.Popen(
                ["/bin/sh", str(SCRIPT), str(backup), str(program), str(NOBODY), "conf"],
                env={**os.environ, "PATH": f"{sleep.parent}:{os.environ['PATH']}"},
                start_new_session=True,
            )
        )
        wait.until("a look", (tmp_path / "looked").exists, LIMIT_SECONDS)

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(LIMIT_SECONDS)


def set_age(file: Path, minutes: float) -> None:
    """Let a file be so old."""
    file.touch()
    time = file.stat().st_mtime - minutes * MINUTE
    os.utime(file, (time, time))


def told(tmp_path: Path) -> list[str]:
    file = tmp_path / "told"
    return file.read_text().splitlines() if file.exists() else []


COPY = ["admin backup copy --due"]


def test_a_first_backup_is_copied(watch: Watch, tmp_path: Path) -> None:
    watch()
    assert told(tmp_path) == COPY


def test_nothing_is_copied_or_tried_before_the_first_backup(
    watch: Watch, backup: Path, tmp_path: Path
) -> None:
    (backup / "repository/task-db/verified").unlink()
    (backup / "drilled.json").unlink()
    watch()
    assert told(tmp_path) == []


@pytest.mark.parametrize(
    ("copied", "verified", "log", "expected"),
    [
        (5, 20, 20, []),  # nothing is new
        (5, 1, 20, COPY),  # a backup
        (5, 20, 1, []),  # a log that is not due yet
        (15, 20, 1, COPY),  # a log that is
        (1500, 2000, 2000, []),  # nothing was written for a day
    ],
)
def test_a_copy_is_made_when_something_is_new(
    watch: Watch,
    backup: Path,
    tmp_path: Path,
    copied: float,
    verified: float,
    log: float,
    expected: list[str],
) -> None:
    set_age(backup / "copied.json", copied)
    set_age(backup / "repository/task-db/verified", verified)
    set_age(backup / "repository/task-db/streaming/2.partial", log)
    watch()
    assert told(tmp_path) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(2, []), (7, COPY)])
def test_a_failed_copy_is_repeated_after_some_minutes(
    watch: Watch, backup: Path, tmp_path: Path, minutes: float, expected: list[str]
) -> None:
    set_age(backup / "copies.fault", minutes)
    watch()
    assert told(tmp_path) == expected


def test_nothing_is_copied_where_no_place_is_named(
    watch: Watch, backup: Path, tmp_path: Path
) -> None:
    (backup / "copies.json").unlink()
    watch()
    assert told(tmp_path) == []


DRILL = ["admin backup drill --quietly"]
DAY = 24 * 60


@pytest.mark.parametrize(
    ("drilled", "failed", "expected"),
    [
        (6 * DAY, None, []),
        (8 * DAY, None, DRILL),
        (None, None, DRILL),
        (8 * DAY, 10, []),
        (8 * DAY, 70, DRILL),
    ],
)
def test_a_drill_is_held_each_week_and_a_failed_one_is_repeated(
    watch: Watch,
    backup: Path,
    tmp_path: Path,
    drilled: float | None,
    failed: float | None,
    expected: list[str],
) -> None:
    (backup / "copies.json").unlink()
    for name, minutes in (("drilled.json", drilled), ("drill.fault", failed)):
        if minutes is None:
            (backup / name).unlink(missing_ok=True)
        else:
            set_age(backup / name, minutes)
    watch()
    assert told(tmp_path) == expected


@pytest.mark.parametrize(
    ("made", "replaced", "expected"),
    [(True, False, DRILL), (False, False, []), (True, True, [])],
)
def test_no_drill_is_held_before_there_is_a_backup_since_the_log_began_anew(
    watch: Watch, backup: Path, tmp_path: Path, made: bool, replaced: bool, expected: list[str]
) -> None:
    for name in ("copies.json", "drilled.json"):
        (backup / name).unlink()
    if not made:
        (backup / "repository/task-db/done").unlink()
    if replaced:
        (backup / "repository/task-db/replaced").touch()
    watch()
    assert told(tmp_path) == expected


@pytest.fixture
def store() -> Iterator[socket.socket]:
    """Give the socket of a store of metrics, for one request."""
    with socket.create_server(("127.0.0.1", 0)) as store:
        store.settimeout(LIMIT_SECONDS)
        yield store


def told_to(store: socket.socket, backup: Path) -> list[str]:
    """Return what the store is told, line by line."""
    port = str(store.getsockname()[1])
    process = subprocess.Popen(["/bin/bash", str(FIGURES), str(backup), port])
    with store.accept()[0] as connection, connection.makefile("rwb") as stream:
        assert stream.readline() == b"POST /api/v1/import/prometheus HTTP/1.0\r\n"
        length = int(stream.readline().removeprefix(b"Content-Length: "))
        assert stream.readline() == b"\r\n"
        text = stream.read(length).decode()
        stream.write(b"HTTP/1.0 204 No Content\r\n\r\n")
    assert process.wait(LIMIT_SECONDS) == 0
    return text.splitlines()


def seconds(file: Path) -> int:
    return int(file.stat().st_mtime)


def test_the_store_of_metrics_is_told_the_age_of_what_is_newest(
    backup: Path, store: socket.socket
) -> None:
    conf = backup / "barman.conf"
    for name, minutes in (("barman.conf", 9000), ("drilled.json", 700), ("copied.json", 7)):
        set_age(backup / name, minutes)
    good = 'backup_good_timestamp_seconds{job="backups",service='
    verified = seconds(backup / "repository/task-db/verified")
    assert told_to(store, backup) == [
        f'{good}"user-db"}} {seconds(conf)}',  # no good one since backups are on
        f'{good}"task-db"}} {verified}',
        f'backup_drill_timestamp_seconds{{job="backups"}} {seconds(backup / "drilled.json")}',
        f'backup_copy_timestamp_seconds{{job="backups"}} {seconds(backup / "copied.json")}',
    ]


def test_what_was_never_made_counts_from_when_it_was_asked_for(
    backup: Path, store: socket.socket
) -> None:
    (backup / "drilled.json").unlink()
    set_age(backup / "barman.conf", 9000)
    set_age(backup / "copies.json", 60)
    found = dict(line.split() for line in told_to(store, backup))
    of = '_timestamp_seconds{job="backups"}'
    assert found[f"backup_drill{of}"] == str(seconds(backup / "barman.conf"))
    assert found[f"backup_copy{of}"] == str(seconds(backup / "copies.json"))


def test_copies_that_nobody_wants_have_no_age(backup: Path, store: socket.socket) -> None:
    (backup / "copies.json").unlink()
    (backup / "barman.conf").touch()
    assert not [line for line in told_to(store, backup) if line.startswith("backup_copy")]


def test_the_program_is_configured_only_where_backups_are_on(site: Site) -> None:
    for folder in (site.agent, site.backup):
        folder.mkdir()
    for on in (False, True):
        if on:
            site.barman_conf.touch()
        supervisor.render_own(site)
        conf = (site.agent / "supervisord.conf").read_text()
        assert (str(backups_program.file(site)) in conf) is on
        assert (backups_program.NAME in supervisor.programs(site)) is on
    assert backups_program.render(site)
    assert not backups_program.render(site)
    assert f"{site.agent}/supervisord.conf" in backups_program.file(site).read_text()
