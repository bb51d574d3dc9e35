"""site: the state folder and the address from the environment."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasktracker_cluster.errors import BadAddressError, BadHomeError, BadInstancesError
from tasktracker_cluster.site import DEFAULT_HOME, Site

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TASKTRACKER_HOME", "TASKTRACKER_BIND", "TASKTRACKER_INSTANCES"):
        monkeypatch.delenv(name, raising=False)


def test_without_variables_the_site_is_this_checkouts_on_loopback() -> None:
    assert Site.from_environment() == Site(DEFAULT_HOME, CHECKOUT, "127.0.0.1")


def test_a_home_is_taken_as_it_is_named_and_made_absolute(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TASKTRACKER_HOME", "state")
    monkeypatch.chdir(tmp_path)
    assert Site.from_environment().home == tmp_path / "state"


@pytest.mark.parametrize("below", ["", "state"])
def test_a_home_that_is_a_file_or_below_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: str
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("TASKTRACKER_HOME", str(file / below))
    with pytest.raises(BadHomeError, match=f"{file} is not a folder"):
        Site.from_environment()


def test_every_address_of_the_machine_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKTRACKER_BIND", "0.0.0.0")
    assert Site.from_environment().bind == "0.0.0.0"


@pytest.mark.parametrize("address", ["", "localhost", "192.168.1.2", "127.0.0.1 "])
def test_any_other_address_is_refused_with_the_allowed_values(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("TASKTRACKER_BIND", address)
    with pytest.raises(BadAddressError) as raised:
        Site.from_environment()
    assert repr(address) in raised.value.message
    assert "0.0.0.0" in raised.value.told()


def test_a_number_of_instances_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKTRACKER_INSTANCES", "2")
    assert Site.from_environment().instances == 2


@pytest.mark.parametrize("number", ["0", "10", "-1", "two", "1.5", " 1"])
def test_another_number_of_instances_is_refused_with_the_allowed_values(
    monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setenv("TASKTRACKER_INSTANCES", number)
    with pytest.raises(BadInstancesError) as raised:
        Site.from_environment()
    assert repr(number) in raised.value.message
    assert "from 1 to 9" in raised.value.told()


def test_outside_a_checkout_the_error_has_a_hint(tmp_path: Path) -> None:
    package = Path(__file__).parents[1] / "src" / "tasktracker_cluster"
    copy = tmp_path / "tasktracker_cluster"
    shutil.copytree(package, copy)
    program = (
        "from tasktracker_cluster.errors import MissingProgramError\n"
        "from tasktracker_cluster.site import Site\n"
        "try:\n    Site.from_environment()\n"
        "except MissingProgramError as error:\n    print(error.hint)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,  # before what is installed
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Clone the repository and use its ./just.\n"
