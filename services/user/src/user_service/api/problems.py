"""The problem type of each of the domain's errors."""

from dataclasses import replace

from fastapi import FastAPI, Request, Response

from servicekit import database, problems
from servicekit import errors as shared
from servicekit.problems import ProblemType
from user_service.domain import errors

_CHALLENGE = {"WWW-Authenticate": "Bearer"}

PROBLEMS: dict[type[Exception], ProblemType] = {
    errors.EmailTakenError: ProblemType(409, "email-taken", "Email address taken"),
    errors.UsernameTakenError: ProblemType(409, "username-taken", "Username taken"),
    errors.PasswordRefusedError: ProblemType(422, "password-refused", "Password refused"),
    errors.BadCredentialsError: ProblemType(401, "bad-credentials", "Sign-in failed", _CHALLENGE),
    errors.TooManyFailuresError: ProblemType(429, "too-many-failures", "Too many failed attempts"),
    errors.TooManyRegistrationsError: ProblemType(
        429, "too-many-registrations", "Too many registrations"
    ),
    errors.InvalidRefreshTokenError: ProblemType(
        401, "invalid-refresh-token", "Invalid refresh token", _CHALLENGE
    ),
    errors.SignedOutError: problems.UNAUTHENTICATED,
    errors.WrongPasswordError: ProblemType(403, "wrong-password", "Wrong password"),
    errors.NotSuperuserError: ProblemType(403, "forbidden", "Forbidden"),
    errors.UnknownAccountError: ProblemType(404, "account-not-found", "Account not found"),
    errors.UnknownSessionError: ProblemType(404, "session-not-found", "Session not found"),
    errors.UnknownTokenError: ProblemType(404, "token-not-found", "Token not found"),
    errors.TooManyTokensError: ProblemType(409, "too-many-tokens", "Too many tokens"),
    errors.LastSuperuserError: ProblemType(409, "last-superuser", "Last superuser"),
    errors.HashingBusyError: ProblemType(503, "busy", "Busy", {"Retry-After": "5"}),
}


def install(app: FastAPI) -> None:
    """Answer every error with its problem."""
    shared.install(app, {**PROBLEMS, **database.PROBLEMS})
    for error in (errors.TooManyFailuresError, errors.TooManyRegistrationsError):
        app.add_exception_handler(error, _throttled)
    app.add_exception_handler(errors.PasswordRefusedError, _password_refused)


async def _throttled(request: Request, error: Exception) -> Response:
    """Add how long to wait, which differs each time."""
    assert isinstance(error, errors.ThrottledError)  # noqa: S101 - registered for these only
    headers = {"Retry-After": str(error.retry_after)}
    problem_type = replace(PROBLEMS[type(error)], headers=headers)
    return problems.response(problem_type, str(error), request.scope["path"])


async def _password_refused(request: Request, error: Exception) -> Response:
    """Name the field, as every 422 does."""
    assert isinstance(error, errors.PasswordRefusedError)  # noqa: S101 - registered for it only
    fields = [{"field": error.field, "message": error.reason}]
    return problems.response(
        PROBLEMS[type(error)], str(error), request.scope["path"], errors=fields
    )
