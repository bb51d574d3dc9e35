"""Which status each of the domain's errors is answered with."""

from servicekit.errors import Kind
from user_service.domain import errors

_CHALLENGE = {"WWW-Authenticate": "Bearer"}

PROBLEMS: dict[type[Exception], Kind] = {
    errors.EmailTakenError: Kind(409, "email-taken", "Email address taken"),
    errors.UsernameTakenError: Kind(409, "username-taken", "Username taken"),
    errors.BadCredentialsError: Kind(401, "bad-credentials", "Sign-in failed", _CHALLENGE),
    errors.InvalidRefreshTokenError: Kind(
        401, "invalid-refresh-token", "Invalid refresh token", _CHALLENGE
    ),
    errors.AccountUnavailableError: Kind(401, "unauthenticated", "Not authenticated", _CHALLENGE),
    errors.WrongPasswordError: Kind(403, "wrong-password", "Wrong password"),
    errors.HashingBusyError: Kind(503, "busy", "Busy", {"Retry-After": "5"}),
}
