"""Everything the account rules can refuse.

UserServiceError
├── AccountConflictError
│   ├── EmailTakenError
│   └── UsernameTakenError
├── PasswordRefusedError
├── BadCredentialsError
├── ThrottledError
│   ├── TooManyFailuresError
│   └── TooManyRegistrationsError
├── InvalidRefreshTokenError
├── SignedOutError
├── WrongPasswordError
├── NotSuperuserError
├── UnknownAccountError
├── UnknownSessionError
├── UnknownTokenError
├── TooManyTokensError
├── LastSuperuserError
└── HashingBusyError

`app.py` attaches an HTTP status to each leaf.
"""


class UserServiceError(Exception):
    """Root of this service's errors; its text may be shown to the caller."""

    detail = "The request was refused."

    def __init__(self) -> None:
        super().__init__(self.detail)


class AccountConflictError(UserServiceError):
    """Another account already has this name."""


class EmailTakenError(AccountConflictError):
    """Another account has this email address, in whatever case."""

    detail = "This email address is already registered."


class UsernameTakenError(AccountConflictError):
    """Another account has this username, in whatever case."""

    detail = "This username is already taken."


class PasswordRefusedError(UserServiceError):
    """A new password that is too easy to guess. `field` is where it was given, `reason` why."""

    detail = "Choose another password."

    def __init__(self, field: str, reason: str) -> None:
        super().__init__()
        self.field = field
        self.reason = reason


class BadCredentialsError(UserServiceError):
    """Sign-in failed. One text for every reason, so that accounts cannot be probed."""

    detail = "The username or password is not correct."


class ThrottledError(UserServiceError):
    """Somebody asks too often. retry_after: seconds until the next attempt is taken."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyFailuresError(ThrottledError):
    """Wrong passwords came too often. The same whether there is such an account or not."""

    detail = "Too many failed attempts; try again later."


class TooManyRegistrationsError(ThrottledError):
    """One client registers too often, successfully or not."""

    detail = "Too many registrations from your address; try again later."


class InvalidRefreshTokenError(UserServiceError):
    """Used before, expired, revoked or never issued: the answer does not say which."""

    detail = "The refresh token is not valid; sign in again."


class SignedOutError(UserServiceError):
    """The token is genuine, but its session has ended: for one reason or another, never said."""

    detail = "This session has ended; sign in again."


class WrongPasswordError(UserServiceError):
    """A signed-in user gave a wrong current password."""

    detail = "The current password is not correct."


class NotSuperuserError(UserServiceError):
    """A signed-in user may not administer others."""

    detail = "Only superusers may do this."


class UnknownAccountError(UserServiceError):
    """A superuser named an account that is not there."""

    detail = "There is no such account."


class UnknownSessionError(UserServiceError):
    """A signed-in user named a session that is not one of theirs, or not any more."""

    detail = "You have no such session."


class UnknownTokenError(UserServiceError):
    """A personal access token that is not the caller's, has expired, was revoked or never was."""

    detail = "There is no such token."


class TooManyTokensError(UserServiceError):
    """The account has as many personal access tokens as it may have."""

    detail = "You have 50 tokens; revoke one that you do not need first."


class LastSuperuserError(UserServiceError):
    """Without this one nobody could administer any more."""

    detail = "This is the last active superuser; promote another one first."


class HashingBusyError(UserServiceError):
    """More passwords are waiting to be hashed than the queue takes."""

    detail = "Too many sign-ins at the moment; try again shortly."
