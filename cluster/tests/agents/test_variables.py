"""agents.variables: secrets in Nomad that are made once, and changed without a loss."""

import pytest

from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.agents import variables
from tasktracker_cluster.errors import ApiError

PATH = "nomad/jobs/user-service/api/app"


def test_a_missing_variable_is_made_and_one_that_exists_never_replaced(nomad: Nomad) -> None:
    assert variables.ensure(nomad.api(), PATH, {"password": "first"}) == {"password": "first"}
    assert variables.ensure(nomad.api(), PATH, {"password": "second"}) == {"password": "first"}
    assert nomad.variables == {PATH: {"password": "first"}}


def test_a_variable_of_a_concurrent_command_is_not_replaced(nomad: Nomad) -> None:
    nomad.meanwhile = lambda: nomad.write(PATH, {"password": "theirs"})
    with pytest.raises(ApiError, match="409"):
        variables.ensure(nomad.api(), PATH, {"password": "ours"})
    assert nomad.variables[PATH] == {"password": "theirs"}


def test_a_concurrent_change_is_not_overwritten(nomad: Nomad) -> None:
    nomad.write(PATH, {"a": "1"})
    nomad.meanwhile = lambda: nomad.write(PATH, {"a": "theirs"})
    with pytest.raises(ApiError, match="409"):
        variables.change(nomad.api(), PATH, {"b": "2"})
    assert nomad.variables[PATH] == {"a": "theirs"}


def test_a_change_keeps_the_other_items_except_the_removed_ones(nomad: Nomad) -> None:
    variables.change(nomad.api(), PATH, {"a": "1", "b": "1", "old": "1"})
    variables.change(nomad.api(), PATH, {"b": "2", "c": "2"}, without=["old", "never there"])
    assert nomad.variables[PATH] == {"a": "1", "b": "2", "c": "2"}


def test_a_variable_is_deleted_if_it_exists(nomad: Nomad) -> None:
    nomad.write(PATH, {"a": "1"})
    for _ in range(2):
        variables.delete(nomad.api(), PATH)
        assert nomad.variables == {}


def test_a_missing_variable_is_empty_for_find_and_an_error_for_read(nomad: Nomad) -> None:
    assert variables.find(nomad.api(), PATH) == {}
    with pytest.raises(ApiError, match="404"):
        variables.read(nomad.api(), PATH)
