"""What changes of `status` and `is_completed` mean together."""

import pytest

from task_service.domain.errors import ContradictionError
from task_service.domain.task import Changes, Status, normalise


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ({}, {}),
        ({"title": "a"}, {"title": "a"}),
        ({"status": Status.DONE, "is_completed": True}, {"status": Status.DONE}),
        ({"status": Status.IN_PROGRESS, "is_completed": False}, {"status": Status.IN_PROGRESS}),
        ({"is_completed": True}, {"status": Status.DONE}),
        ({"is_completed": False}, {"is_completed": False}),
    ],
)
def test_completion_is_settled_through_the_status(given: Changes, settled: Changes) -> None:
    before = given.copy()

    assert normalise(given) == settled
    assert given == before


@pytest.mark.parametrize(
    ("status", "is_completed"),
    [(Status.DONE, False), (Status.TODO, True), (Status.IN_PROGRESS, True)],
)
def test_contradicting_status_and_completion_are_refused(
    status: Status, is_completed: bool
) -> None:
    with pytest.raises(ContradictionError):
        normalise({"status": status, "is_completed": is_completed})
