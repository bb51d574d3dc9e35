"""Which status each of the domain's errors is answered with."""

from dataclasses import replace

from fastapi import Request, Response

from servicekit.errors import Kind, problem
from user_service.domain import errors

_CHALLENGE = {"WWW-Authenticate": "Bearer"}

PROBLEMS: dict[type[Exception], Kind] = {
    errors.EmailTakenError: Kind(409, "email-taken", "Email address taken"),
    errors.UsernameTakenError: Kind(409, "username-taken", "Username taken"),
    errors.BadCredentialsError: Kind(401, "bad-credentials", "Sign-in failed", _CHALLENGE),
    errors.TooManyFailuresError: Kind(429, "too-many-failures", "Too many failed attempts"),
    errors.InvalidRefreshTokenError: Kind(
        401, "invalid-refresh-token", "Invalid refresh token", _CHALLENGE
    ),
    errors.AccountUnavailableError: Kind(401, "unauthenticated", "Not authenticated", _CHALLENGE),
    errors.WrongPasswordError: Kind(403, "wrong-password", "Wrong password"),
    errors.HashingBusyError: Kind(503, "busy", "Busy", {"Retry-After": "5"}),
}


async def too_many_failures(request: Request, error: Exception) -> Response:
    """The one answer that says more than its kind: how long to wait."""
    assert isinstance(error, errors.TooManyFailuresError)  # noqa: S101 - registered for it only
    headers = {"Retry-After": str(error.retry_after)}
    kind = replace(PROBLEMS[errors.TooManyFailuresError], headers=headers)
    return problem(kind, str(error), request.scope["path"])
