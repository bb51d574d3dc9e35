"""machine.users: the files of users stay the ones that running tasks have opened."""

import os
from pathlib import Path

import pytest

from tasktracker_cluster.machine import users

ROOT, ADA = "root:x:0:0::/root:/bin/sh\n", "ada:x:999:999::/nonexistent:/bin/false\n"


@pytest.fixture
def passwd(tmp_path: Path) -> Path:
    file = tmp_path / "passwd"
    file.write_text(ROOT)
    return file


def replace(passwd: Path) -> None:
    """Add a user as useradd does."""
    new = passwd.with_name("passwd+")
    new.write_text(ROOT + ADA)
    new.replace(passwd)


def replace_and_fail(passwd: Path) -> None:
    replace(passwd)
    raise ZeroDivisionError


def test_a_task_that_opened_the_file_before_knows_a_new_user(passwd: Path) -> None:
    with passwd.open() as opened:
        with users.same_file(passwd):
            replace(passwd)
        assert opened.read() == ROOT + ADA
    assert passwd.read_text() == ROOT + ADA
    assert list(passwd.parent.iterdir()) == [passwd]


def test_a_file_that_nobody_replaced_stays_as_it_is(passwd: Path) -> None:
    inode = passwd.stat().st_ino
    with users.same_file(passwd):
        pass
    assert (passwd.stat().st_ino, passwd.read_text()) == (inode, ROOT)
    assert list(passwd.parent.iterdir()) == [passwd]


def test_an_interrupted_call_is_completed_by_the_next_one(passwd: Path) -> None:
    with passwd.open() as opened:
        os.link(passwd, passwd.with_name(".passwd.tasktracker"))
        replace(passwd)
        users.take_back(passwd)
        assert opened.read() == ROOT + ADA
    assert passwd.read_text() == ROOT + ADA
    assert list(passwd.parent.iterdir()) == [passwd]


def test_a_failure_changes_nothing(passwd: Path) -> None:
    inode = passwd.stat().st_ino
    with pytest.raises(ZeroDivisionError), users.same_file(passwd):
        replace_and_fail(passwd)
    assert (passwd.stat().st_ino, passwd.read_text()) == (inode, ROOT + ADA)
    assert list(passwd.parent.iterdir()) == [passwd]
