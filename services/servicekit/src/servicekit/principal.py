"""The caller of a request."""

from dataclasses import dataclass
from uuid import UUID

PERSONAL_PREFIX = "ttpat_"
"""The prefix of personal access tokens. No other token has it."""


@dataclass(frozen=True)
class Principal:
    """The caller, and the session of the token, or None if the token has none.

    `scopes` limit a personal access token. None means a login, which has no limit.
    """

    user_id: int
    is_superuser: bool
    session_id: UUID | None = None
    scopes: frozenset[str] | None = None
