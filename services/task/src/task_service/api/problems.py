"""Which problem each of the domain's errors is answered with."""

from servicekit.problems import ProblemType
from task_service.domain import errors

PROBLEMS: dict[type[Exception], ProblemType] = {
    errors.TaskNotFoundError: ProblemType(404, "task-not-found", "Task not found"),
    errors.VersionMismatchError: ProblemType(412, "version-mismatch", "The task has changed"),
    errors.ContradictionError: ProblemType(
        422, "contradiction", "Status and is_completed disagree"
    ),
    errors.KeyReusedError: ProblemType(422, "idempotency-key-reused", "Idempotency key reused"),
    errors.InvalidCursorError: ProblemType(422, "invalid-cursor", "Invalid cursor"),
}
