"""How logins are kept: privately, in one step, one process at a time."""

import stat
from pathlib import Path

import pytest

from tasktracker_cli.errors import CliError
from tasktracker_cli.logins.credentials import Credentials, Login

ORIGIN = "http://localhost:8000"
LOGIN = Login("ada", "token-of-ada")


def test_a_login_is_private_and_belongs_to_one_origin(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "tasktracker")
    credentials.save(ORIGIN, LOGIN)
    assert credentials.load(ORIGIN) == LOGIN
    assert credentials.load("http://localhost:8001") is None
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {True: 0o700, False: 0o600}


def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    (tmp_path / "tasktracker").mkdir(mode=0o755)
    Credentials(tmp_path / "tasktracker").save(ORIGIN, LOGIN)
    assert stat.S_IMODE((tmp_path / "tasktracker").stat().st_mode) == 0o700


def test_a_login_is_replaced_and_leaves_nothing_behind(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credentials.save(ORIGIN, Login("ada", "old"))
    credentials.save(ORIGIN, LOGIN)
    assert credentials.load(ORIGIN) == LOGIN
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", '"x"', '{"username": "ada"', "\x00"])
def test_a_damaged_file_is_no_login(tmp_path: Path, content: str) -> None:
    credentials = Credentials(tmp_path)
    credentials.save(ORIGIN, LOGIN)
    next(tmp_path.rglob("*.json")).write_text(content)
    assert credentials.load(ORIGIN) is None


def test_logging_out_forgets_and_says_whether_there_was_anything(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    credentials.save(ORIGIN, LOGIN)
    assert credentials.delete(ORIGIN)
    assert not credentials.delete(ORIGIN)


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tasktracker").write_text("a file where the folder should be")
    with pytest.raises(CliError, match="cannot be used"):
        Credentials(tmp_path / "tasktracker").save(ORIGIN, LOGIN)


def test_a_login_does_not_show_its_token() -> None:
    assert "token" not in repr(LOGIN)
