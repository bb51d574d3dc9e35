"""Every error of the rules.

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

`api/problems.py` gives each leaf its HTTP status.
"""


class UserServiceError(Exception):
    """Root of this service's errors. Its text may be shown to the caller."""

    detail = "The request was refused."

    def __init__(self) -> None:
        super().__init__(self.detail)


class AccountConflictError(UserServiceError):
    """Another account has this name."""


class EmailTakenError(AccountConflictError):
    """Another account has this email address, in any case."""

    detail = "This email address is already registered."


class UsernameTakenError(AccountConflictError):
    """Another account has this username, in any case."""

    detail = "This username is already taken."


class PasswordRefusedError(UserServiceError):
    """A new password is too easy to guess. field: of the request. reason: a sentence."""

    detail = "Choose another password."

    def __init__(self, field: str, reason: str) -> None:
        super().__init__()
        self.field = field
        self.reason = reason


class BadCredentialsError(UserServiceError):
    """A login failed. There is one text for every reason, so that accounts cannot be probed."""

    detail = "The username or password is not correct."


class ThrottledError(UserServiceError):
    """A client asks too often. retry_after: seconds until the next attempt is allowed."""

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyFailuresError(ThrottledError):
    """Too many wrong passwords. It is the same whether there is such an account or not."""

    detail = "Too many failed attempts. Try again later."


class TooManyRegistrationsError(ThrottledError):
    """Too many registrations by one client, successful or not."""

    detail = "Too many registrations from your address. Try again later."


class InvalidRefreshTokenError(UserServiceError):
    """The token was used before, has expired, was revoked or never issued; no answer says which."""

    detail = "The refresh token is not valid. Log in again."


class SignedOutError(UserServiceError):
    """The access token is genuine, but its session has ended. No answer says why."""

    detail = "This session has ended. Log in again."


class WrongPasswordError(UserServiceError):
    """The current password of a signed-in user is wrong."""

    detail = "The current password is not correct."


class NotSuperuserError(UserServiceError):
    """The caller is no superuser."""

    detail = "Only superusers may do this."


class UnknownAccountError(UserServiceError):
    """No account has this id."""

    detail = "There is no such account."


class UnknownSessionError(UserServiceError):
    """The caller has no session with this id, or not any more."""

    detail = "You have no such session."


class UnknownTokenError(UserServiceError):
    """The personal access token is another user's, has expired, was revoked or never issued."""

    detail = "There is no such token."


class TooManyTokensError(UserServiceError):
    """The account has as many personal access tokens as it may have."""

    detail = "You have 50 tokens. Revoke one that you do not need."


class LastSuperuserError(UserServiceError):
    """The change would leave no active superuser."""

    detail = "This is the last active superuser. Promote another one first."


class HashingBusyError(UserServiceError):
    """More requests wait for a hash than the queue has places."""

    detail = "Too many logins at the moment. Try again shortly."
