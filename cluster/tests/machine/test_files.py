"""machine.files: replacing a file in one step."""

import os
import pwd
from pathlib import Path

import pytest

from tasktracker_cluster.machine import files

US = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def test_a_new_file_has_its_text_and_mode_whatever_the_umask(file: Path) -> None:
    before = os.umask(0o077)
    try:
        assert files.write(file, "text", mode=0o644)
    finally:
        os.umask(before)
    assert (file.read_text(), mode(file)) == ("text", 0o644)


def test_an_unchanged_file_is_not_written_again(file: Path) -> None:
    files.write(file, "text", 0o600, US)
    before = file.stat()
    assert not files.write(file, "text", 0o600, US)
    assert file.stat() == before


def test_another_text_replaces_the_file_and_leaves_no_draft(file: Path) -> None:
    files.write(file, "old")
    inode = file.stat().st_ino
    assert files.write(file, "new")
    assert file.read_text() == "new"
    assert file.stat().st_ino != inode, "somebody who has it open reads the old one to its end"
    assert list(file.parent.iterdir()) == [file]


def test_another_mode_alone_is_a_change(file: Path) -> None:
    files.write(file, "text", 0o644)
    assert files.write(file, "text", 0o600)
    assert mode(file) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_another_owner_alone_is_a_change_and_the_owner_stays(file: Path) -> None:
    files.write(file, "text", 0o600)
    assert files.write(file, "text", 0o600, "nobody")
    assert not files.write(file, "text", 0o600, "nobody")
    assert file.stat().st_uid == pwd.getpwnam("nobody").pw_uid


def test_an_unknown_owner_leaves_the_file_unchanged(file: Path) -> None:
    files.write(file, "old")
    with pytest.raises(KeyError):
        files.write(file, "new", owner="no-such-user")
    assert file.read_text() == "old"
    assert list(file.parent.iterdir()) == [file]
