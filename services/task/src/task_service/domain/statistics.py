"""Figures over the tasks of one owner."""

from collections.abc import Iterable
from dataclasses import dataclass

from task_service.domain.task import Priority, Status


@dataclass(frozen=True, slots=True)
class Count:
    """How many tasks share a status and a priority."""

    status: Status
    priority: Priority
    tasks: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """`completion_percentage` is 0 to 100 with two decimals, 0 without tasks."""

    total_tasks: int
    completed_tasks: int
    pending_tasks: int
    completion_percentage: float
    overdue_tasks: int
    by_status: dict[Status, int]
    by_priority: dict[Priority, int]


def summarise(counts: Iterable[Count], overdue: int) -> Statistics:
    """Add up the counts. A status or priority without tasks gets 0."""
    by_status = dict.fromkeys(Status, 0)
    by_priority = dict.fromkeys(Priority, 0)
    for count in counts:
        by_status[count.status] += count.tasks
        by_priority[count.priority] += count.tasks
    total, completed = sum(by_status.values()), by_status[Status.DONE]
    return Statistics(
        total_tasks=total,
        completed_tasks=completed,
        pending_tasks=total - completed,
        completion_percentage=round(100 * completed / total, 2) if total else 0.0,
        overdue_tasks=overdue,
        by_status=by_status,
        by_priority=by_priority,
    )
