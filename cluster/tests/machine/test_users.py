"""machine.users: the files of users stay the ones that running tasks have opened."""

import os
import subprocess
import sys
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


def test_installations_side_by_side_make_each_user_once(tmp_path: Path) -> None:
    """Two state folders of one machine have the same users."""
    known, group = tmp_path / "passwd", tmp_path / "group"
    known.write_text("")
    group.write_text("")
    useradd = tmp_path / "useradd"
    useradd.write_text(
        "#!/bin/sh\n"
        f"grep -qx $1 {known} && exit 9\n"
        f"cp {known} {known}+ && echo $1 >>{known}+ && mv {known}+ {known}\n"
    )
    useradd.chmod(0o755)
    program = f"""
import pwd
from pathlib import Path
from types import SimpleNamespace
from tasktracker_cluster.machine import users

users.NAMES = (Path({str(known)!r}), Path({str(group)!r}))
users.LOCK, users.CREATING = Path({str(tmp_path / "pwd.lock")!r}), Path({str(tmp_path / "lock")!r})
users.USERADD = ({str(useradd)!r},)
names = users.NAMES[0]
pwd.getpwall = lambda: [SimpleNamespace(pw_name=name) for name in names.read_text().split()]
users.create()
"""
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [each.wait(60) for each in running] == [0] * len(running)
    names = known.read_text().split()
    assert names
    assert len(names) == len(set(names))
