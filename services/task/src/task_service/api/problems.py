"""Which status each of the domain's errors is answered with."""

from servicekit.errors import Kind
from task_service.domain import errors

PROBLEMS: dict[type[Exception], Kind] = {
    errors.TaskNotFoundError: Kind(404, "task-not-found", "Task not found"),
    errors.VersionMismatchError: Kind(412, "version-mismatch", "The task has changed"),
    errors.ContradictionError: Kind(422, "contradiction", "Status and is_completed disagree"),
    errors.KeyReusedError: Kind(422, "idempotency-key-reused", "Idempotency key reused"),
    errors.InvalidCursorError: Kind(422, "invalid-cursor", "Invalid cursor"),
}
