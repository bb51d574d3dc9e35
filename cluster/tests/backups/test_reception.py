"""backups.reception: what of a live database's log is missing, with a database that a test sets."""

from collections.abc import Callable

import pytest

from tasktracker_cluster.backups import reception
from tasktracker_cluster.site import Site

Answering = Callable[[str], None]

# Stands for `runuser -u USER -- psql ... STATEMENT`.
DATABASE = """#!/bin/sh
for statement; do :; done
case $statement in
    *pg_stat_replication*) {answer} ;;
    *) echo 1/3000060 ;;
esac
"""


@pytest.fixture
def answering(site: Site, monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Return a function that sets how the database answers for the receiver."""
    monkeypatch.setenv("PATH", f"{site.home}:/usr/bin:/bin")
    monkeypatch.setattr(reception, "LIMIT_SECONDS", 0)
    program = site.home / "runuser"

    def write(answer: str) -> None:
        program.write_text(DATABASE.format(answer=answer))
        program.chmod(0o755)

    return write


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("echo 1/3000060", ""),
        ("echo 1/40000A8", ""),
        ("exit 1", ""),
        ("echo 1/2FFFC5F", "2 KiB of the log of task-db are in no backup yet."),
        ("echo", "Nobody receives the log of task-db: its last changes are in no backup."),
    ],
)
def test_what_is_not_received_is_told(
    site: Site, answering: Answering, answer: str, told: str
) -> None:
    answering(answer)
    assert reception.missing(site, "task-db") == told


def test_a_receiver_that_comes_in_time_is_waited_for(
    site: Site, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reception, "LIMIT_SECONDS", 30)
    looks = site.home / "looks"
    answering(f"echo >>{looks}; [ $(wc -l <{looks}) -lt 3 ] && echo 0/FFFFFFFF || echo 1/3000060")
    assert reception.missing(site, "task-db") == ""
