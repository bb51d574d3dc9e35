"""Callers whose token outlives the benchmark."""

from datetime import UTC, datetime, timedelta

from servicekit.keys import SigningKey
from servicekit.tokens import Principal, issue


def bearer(key: SigningKey, user_id: int) -> dict[str, str]:
    """The header of a caller, signed with a key that the services trust."""
    principal = Principal(user_id, is_superuser=False)
    token = issue(key, principal, timedelta(days=1), datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}
