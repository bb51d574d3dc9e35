"""Why the domain refuses a call.

TaskError
├── TaskNotFoundError
├── VersionMismatchError
├── ContradictionError
├── KeyReusedError
└── InvalidCursorError
"""


class TaskError(Exception):
    """Base of this service's errors; its text is written for the caller."""


class TaskNotFoundError(TaskError):
    """No such task, or another owner's: a caller cannot tell the two apart."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"There is no task {task_id}.")


class VersionMismatchError(TaskError):
    """The task is no longer at any of the versions that the caller named."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"Task {task_id} was changed in the meantime: read it again.")


class ContradictionError(TaskError):
    """`status` and `is_completed` were both given, and contradict each other."""

    def __init__(self) -> None:
        super().__init__("is_completed contradicts status: only a done task is completed.")


class KeyReusedError(TaskError):
    """An idempotency key that created a task from other values."""

    def __init__(self) -> None:
        super().__init__("The Idempotency-Key was used with another body: choose a new one.")


class InvalidCursorError(TaskError):
    """A cursor that comes from no list with this sort and these filters."""

    def __init__(self) -> None:
        super().__init__("No list of tasks with this sort and these filters gave this cursor.")
