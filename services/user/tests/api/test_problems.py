"""Each error of the domain has a problem type."""

from collections.abc import Iterator

from user_service.api.problems import PROBLEMS
from user_service.domain.errors import UserServiceError


def leaves(kind: type[Exception]) -> Iterator[type[Exception]]:
    children = kind.__subclasses__()
    if not children:
        yield kind
    for child in children:
        yield from leaves(child)


def test_every_error_has_a_status() -> None:
    assert set(leaves(UserServiceError)) == PROBLEMS.keys()
