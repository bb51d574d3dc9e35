"""Which status each of the domain's errors is answered with."""

from dataclasses import replace

from fastapi import FastAPI, Request, Response

from servicekit import database
from servicekit import errors as shared
from servicekit.errors import Kind
from user_service.domain import errors

_CHALLENGE = {"WWW-Authenticate": "Bearer"}

PROBLEMS: dict[type[Exception], Kind] = {
    errors.EmailTakenError: Kind(409, "email-taken", "Email address taken"),
    errors.UsernameTakenError: Kind(409, "username-taken", "Username taken"),
    errors.PasswordRefusedError: Kind(422, "password-refused", "Password refused"),
    errors.BadCredentialsError: Kind(401, "bad-credentials", "Sign-in failed", _CHALLENGE),
    errors.TooManyFailuresError: Kind(429, "too-many-failures", "Too many failed attempts"),
    errors.TooManyRegistrationsError: Kind(429, "too-many-registrations", "Too many registrations"),
    errors.InvalidRefreshTokenError: Kind(
        401, "invalid-refresh-token", "Invalid refresh token", _CHALLENGE
    ),
    errors.SignedOutError: Kind(401, "unauthenticated", "Unauthenticated", _CHALLENGE),
    errors.WrongPasswordError: Kind(403, "wrong-password", "Wrong password"),
    errors.NotSuperuserError: Kind(403, "forbidden", "Forbidden"),
    errors.UnknownAccountError: Kind(404, "account-not-found", "Account not found"),
    errors.UnknownSessionError: Kind(404, "session-not-found", "Session not found"),
    errors.UnknownTokenError: Kind(404, "token-not-found", "Token not found"),
    errors.TooManyTokensError: Kind(409, "too-many-tokens", "Too many tokens"),
    errors.LastSuperuserError: Kind(409, "last-superuser", "Last superuser"),
    errors.HashingBusyError: Kind(503, "busy", "Busy", {"Retry-After": "5"}),
}


def install(app: FastAPI) -> None:
    """Answer every error with its problem."""
    shared.install(app, {**PROBLEMS, **database.PROBLEMS})
    for error in (errors.TooManyFailuresError, errors.TooManyRegistrationsError):
        app.add_exception_handler(error, _throttled)
    app.add_exception_handler(errors.PasswordRefusedError, _password_refused)


async def _throttled(request: Request, error: Exception) -> Response:
    """Says more than its kind: how long to wait."""
    assert isinstance(error, errors.ThrottledError)  # noqa: S101 - registered for these only
    headers = {"Retry-After": str(error.retry_after)}
    kind = replace(PROBLEMS[type(error)], headers=headers)
    return shared.problem(kind, str(error), request.scope["path"])


async def _password_refused(request: Request, error: Exception) -> Response:
    """In the shape of any other 422: it names the field."""
    assert isinstance(error, errors.PasswordRefusedError)  # noqa: S101 - registered for it only
    fields = [{"field": error.field, "message": error.reason}]
    return shared.problem(PROBLEMS[type(error)], str(error), request.scope["path"], errors=fields)
