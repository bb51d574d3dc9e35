"""Sums of counts."""

from task_service.domain.statistics import Count, summarise
from task_service.domain.task import Priority, Status


def test_without_tasks_every_figure_is_zero() -> None:
    figures = summarise([], overdue=0)

    assert figures.total_tasks == figures.completed_tasks == figures.pending_tasks == 0
    assert figures.completion_percentage == 0
    assert figures.by_status == {"todo": 0, "in_progress": 0, "done": 0}
    assert figures.by_priority == {"low": 0, "medium": 0, "high": 0}


def test_counts_add_up_and_the_percentage_has_two_decimals() -> None:
    figures = summarise(
        [
            Count(Status.DONE, Priority.LOW, tasks=1),
            Count(Status.DONE, Priority.HIGH, tasks=1),
            Count(Status.TODO, Priority.HIGH, tasks=1),
        ],
        overdue=1,
    )

    assert (figures.total_tasks, figures.completed_tasks, figures.pending_tasks) == (3, 2, 1)
    assert figures.completion_percentage == 66.67
    assert figures.overdue_tasks == 1
    assert figures.by_status == {"todo": 1, "in_progress": 0, "done": 2}
    assert figures.by_priority == {"low": 1, "medium": 0, "high": 2}
