"""errors: each has a code of its own, which `--json` prints and the help describes."""

import re
from collections.abc import Iterator

import pytest

from tasktracker_cli.errors import CliError
from tasktracker_cluster.errors import AdminError, NoLogError, NoUserError

SHARED = {NoLogError: "usage", NoUserError: "not-found"}


def leaves(error: type[CliError]) -> Iterator[type[CliError]]:
    """Yield the classes below this one that have none below them."""
    below = error.__subclasses__()
    if not below:
        yield error
    for each in below:
        yield from leaves(each)


OWN = [leaf for leaf in leaves(AdminError) if leaf not in SHARED]


def test_no_two_errors_share_a_code() -> None:
    codes = [leaf.code for leaf in (*OWN, *leaves(CliError)) if not issubclass(leaf, AdminError)]
    codes += [leaf.code for leaf in OWN]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("error", OWN, ids=lambda error: error.__name__)
def test_a_code_is_words_with_hyphens(error: type[AdminError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)


def test_what_clients_know_too_has_the_clients_code() -> None:
    assert {error: error.code for error in SHARED} == SHARED
