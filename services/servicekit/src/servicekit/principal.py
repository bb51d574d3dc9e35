"""Who is asking."""

from dataclasses import dataclass
from uuid import UUID

PERSONAL_PREFIX = "ttpat_"
"""What a personal access token begins with, and no other token."""


@dataclass(frozen=True)
class Principal:
    """Who is asking, and in which session: None where the token names none.

    `scopes` are what a personal access token may do; None for who has logged in, and may do all.
    """

    user_id: int
    is_superuser: bool
    session_id: UUID | None = None
    scopes: frozenset[str] | None = None
