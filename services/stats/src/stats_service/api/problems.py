"""Which status each of the domain's errors is answered with."""

from servicekit.problems import ProblemType
from stats_service.domain import errors

PROBLEMS: dict[type[Exception], ProblemType] = {
    errors.TaskServiceUnavailableError: ProblemType(
        503, "service-unavailable", "Service unavailable", headers={"Retry-After": "1"}
    ),
    errors.TokenRefusedError: ProblemType(
        401, "unauthenticated", "Not authenticated", headers={"WWW-Authenticate": "Bearer"}
    ),
}
