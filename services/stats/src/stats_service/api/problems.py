"""Which problem each of the domain's errors is answered with."""

from servicekit.problems import SERVICE_UNAVAILABLE, UNAUTHENTICATED, ProblemType
from stats_service.domain import errors

PROBLEMS: dict[type[Exception], ProblemType] = {
    errors.TaskServiceUnavailableError: SERVICE_UNAVAILABLE,
    errors.TokenRefusedError: UNAUTHENTICATED,
}
