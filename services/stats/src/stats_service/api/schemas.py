"""The bodies of responses."""

from pydantic import BaseModel, Field


class StatisticsOut(BaseModel):
    """The figures over all tasks of the caller."""

    total_tasks: int
    completed_tasks: int
    pending_tasks: int
    completion_percentage: float = Field(description="0 to 100 with two decimals; 0 without tasks")
    overdue_tasks: int = Field(description="Not completed, and due before now")
    by_status: dict[str, int]
    by_priority: dict[str, int]
