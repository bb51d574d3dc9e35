"""Bearer headers for tests."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from servicekit.tokens import Keys, Principal, issue

KEYS = Keys(b"a key for tests only, long enough")


def bearer(
    user_id: int = 1,
    *,
    is_superuser: bool = False,
    session_id: UUID | None = None,
    keys: Keys = KEYS,
) -> dict[str, str]:
    """The header of a caller with a fresh token."""
    principal = Principal(user_id, is_superuser, session_id)
    token = issue(keys, principal, timedelta(minutes=15), datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}
