"""errors: each has a code of its own, which `--json` prints and the help describes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasktracker_cli.errors import CliError
from tasktracker_cluster.errors import (
    AdminError,
    BadConditionError,
    NoLogError,
    NoNodeError,
    NoRecordError,
    NoUserError,
)

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "reference.md"
SHARED = {
    BadConditionError: "usage",
    NoLogError: "usage",
    NoNodeError: "not-found",
    NoRecordError: "not-found",
    NoUserError: "not-found",
}


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


def test_errors_that_the_client_has_too_have_the_clients_code() -> None:
    assert {error: error.code for error in SHARED} == SHARED


def test_the_page_on_operations_lists_every_code_with_its_meaning() -> None:
    section = PAGE.read_text().partition("## Errors of the admin commands")[2].partition("\n## ")[0]
    listed = dict(re.findall(r"(?m)^\| `([\w-]+)` \| (.+) \|$", section))
    assert listed == {leaf.code: (leaf.__doc__ or "").splitlines()[0].rstrip(".") for leaf in OWN}


def test_every_error_of_the_clusters_own_exits_with_1() -> None:
    assert {leaf.exit_code for leaf in OWN} == {1}
