"""Access tokens that stay valid until the end of the benchmark."""

from datetime import UTC, datetime, timedelta

from servicekit.keys import SigningKey
from servicekit.tokens import Principal, issue


def bearer(key: SigningKey, user_id: int) -> dict[str, str]:
    """Return the Authorization header of a user, with a token signed by `key`."""
    principal = Principal(user_id, is_superuser=False)
    token = issue(key, principal, timedelta(days=1), datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}
