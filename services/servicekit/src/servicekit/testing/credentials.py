"""Bearer headers for tests, and keys of both kinds."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from servicekit import keys
from servicekit.keys import ES256, HS256, SigningKey
from servicekit.tokens import Keys, Principal, issue

SECRET = "a key for tests only, long enough"  # noqa: S105 - says so itself
SHARED = keys.shared(SECRET)
KEYS = Keys(HS256, {SHARED.id: SHARED.key})

PRIVATE_PEM, _jwk = keys.generate()
PUBLIC_KEYS = json.dumps({"keys": [_jwk]})
PRIVATE = keys.private(PRIVATE_PEM, keys.public(PUBLIC_KEYS))

# Each signing key, and the keys that verify its tokens.
KEYS_BY_ALGORITHM = {
    HS256: (SHARED, KEYS),
    ES256: (PRIVATE, Keys(ES256, keys.public(PUBLIC_KEYS))),
}


def bearer(
    user_id: int = 1,
    *,
    is_superuser: bool = False,
    session_id: UUID | None = None,
    key: SigningKey = SHARED,
) -> dict[str, str]:
    """Return the header of a caller with a new token."""
    principal = Principal(user_id, is_superuser, session_id)
    token = issue(key, principal, timedelta(minutes=15), datetime.now(UTC))
    return {"Authorization": f"Bearer {token}"}
