"""agents.ownership: one checkout, and one command at a time."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tasktracker_cluster.agents import ownership
from tasktracker_cluster.errors import BusyError, OwnedElsewhereError, StaleStateError
from tasktracker_cluster.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Return a site whose socket has a short name, as a socket must."""
    with TemporaryDirectory(dir="/tmp") as home:
        (tmp_path / "checkout").mkdir()
        yield Site(Path(home), tmp_path / "checkout")


@pytest.fixture
def other(site: Site, tmp_path: Path) -> Site:
    """Return the same state folder, seen from another checkout."""
    (tmp_path / "other").mkdir()
    return replace(site, checkout=tmp_path / "other")


@pytest.fixture
def supervised(site: Site) -> Iterator[None]:
    """Serve a supervisor's socket that takes connections."""
    site.run.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(site.run / "supervisor.sock"))
        listener.listen()
        yield


def test_a_second_command_is_refused_while_the_first_one_runs(site: Site) -> None:
    with (
        ownership.locked(site),
        pytest.raises(BusyError, match=str(site.home)),
        ownership.locked(site),
    ):
        pass


def test_the_next_command_may_run_when_the_first_has_ended_or_failed(site: Site) -> None:
    with pytest.raises(KeyError), ownership.locked(site):
        raise KeyError
    with ownership.locked(site):
        pass


def test_a_state_folder_is_made_for_the_lock(site: Site, tmp_path: Path) -> None:
    new = replace(site, home=tmp_path / "new" / "home")
    with ownership.locked(new):
        assert new.home.is_dir()


def test_a_new_folder_has_no_owner_until_it_is_taken(site: Site) -> None:
    assert ownership.owner(site) is None
    with ownership.locked(site):
        ownership.take_ownership(site)
    assert ownership.owner(site) == site.checkout


def test_a_folder_with_foreign_files_is_refused(site: Site) -> None:
    (site.home / "thesis.tex").touch()
    with pytest.raises(StaleStateError, match=r"not TaskTracker's: thesis\.tex"):
        ownership.take_ownership(site)
    assert not site.owner_file.exists()


def test_another_checkout_takes_a_cluster_that_does_not_run(site: Site, other: Site) -> None:
    ownership.take_ownership(other)
    ownership.must_own(site)
    ownership.take_ownership(site)
    assert ownership.owner(other) == site.checkout


def test_a_running_cluster_of_another_checkout_is_refused(
    site: Site, other: Site, supervised: None
) -> None:
    site.owner_file.write_text(f'{{"checkout": "{other.checkout}"}}')
    with pytest.raises(OwnedElsewhereError, match=str(other.checkout)) as raised:
        ownership.must_own(site)
    assert raised.value.hint.endswith(f"{other.checkout}/just down")


def test_a_running_cluster_of_this_or_a_deleted_checkout_is_accepted(
    site: Site, other: Site, supervised: None
) -> None:
    site.owner_file.write_text(f'{{"checkout": "{site.checkout}"}}')
    ownership.must_own(site)
    site.owner_file.write_text(f'{{"checkout": "{other.checkout}"}}')
    other.checkout.rmdir()
    ownership.must_own(site)


@pytest.mark.parametrize("text", ["", "no json", "[]", "{}", '{"checkout": 1}'])
def test_a_damaged_owner_file_is_an_error_with_its_name_and_a_hint(site: Site, text: str) -> None:
    site.owner_file.write_text(text)
    with pytest.raises(StaleStateError, match=r"owner\.json is damaged") as raised:
        ownership.must_own(site)
    assert "Delete that file" in raised.value.hint
