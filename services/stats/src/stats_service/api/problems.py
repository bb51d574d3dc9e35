"""Which status each of the domain's errors is answered with."""

from servicekit.errors import Kind
from stats_service.domain import errors

PROBLEMS: dict[type[Exception], Kind] = {
    errors.TaskServiceUnavailableError: Kind(
        503, "service-unavailable", "Service unavailable", headers={"Retry-After": "1"}
    ),
    errors.TokenRefusedError: Kind(
        401, "unauthenticated", "Not authenticated", headers={"WWW-Authenticate": "Bearer"}
    ),
}
