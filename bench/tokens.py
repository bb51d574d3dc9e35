"""Callers whose token outlives the benchmark."""

from datetime import UTC, datetime, timedelta

from servicekit.tokens import Keys, Principal, issue


def bearer(key: str, user_id: int) -> dict[str, str]:
    """The header of a caller, signed with the services' key."""
    principal = Principal(user_id, is_superuser=False)
    token = issue(Keys(key.encode()), principal, timedelta(days=1), datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}
