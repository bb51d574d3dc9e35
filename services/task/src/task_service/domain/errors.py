"""Everything the task domain refuses to do.

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
    """No such task, or it is somebody else's: the two are told apart to nobody."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"There is no task {task_id}.")


class VersionMismatchError(TaskError):
    """The task is no longer at any of the versions that the caller named."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"Task {task_id} was changed in the meantime: read it again.")


class ContradictionError(TaskError):
    """`status` and `is_completed` were both given and say opposite things."""

    def __init__(self) -> None:
        super().__init__("is_completed contradicts status: only a done task is completed.")


class KeyReusedError(TaskError):
    """An idempotency key that has made a task from other values."""

    def __init__(self) -> None:
        super().__init__("The Idempotency-Key was used with another body: choose a new one.")


class InvalidCursorError(TaskError):
    """A page cursor that no list with this sort and these filters gave."""

    def __init__(self) -> None:
        super().__init__("No list of tasks with this sort and these filters gave this cursor.")
