"""The schema as it is now; `migrations/` is how a database gets there."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    func,
    text,
)

metadata = MetaData()


def _now(name: str) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())


def _time(name: str, *, index: bool = False) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=False, index=index)


def _user_id(*, index: bool = False, primary_key: bool = False) -> Column[int]:
    owner = ForeignKey("users.id", ondelete="CASCADE")
    return Column("user_id", owner, nullable=False, index=index, primary_key=primary_key)


users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(255), nullable=False),
    Column("username", String(100), nullable=False),
    Column("hashed_password", String(255), nullable=False),
    Column("full_name", String(255)),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("is_superuser", Boolean, nullable=False, server_default=text("false")),
    _now("created_at"),
    # The trigger `users_touch_updated_at` keeps this one.
    _now("updated_at"),
)

# One account for each name, in any case.
EMAIL_INDEX = Index("users_email_key", func.lower(users.c.email), unique=True)
USERNAME_INDEX = Index("users_username_key", func.lower(users.c.username), unique=True)

# One row for each login. `digest` is the SHA-256 of the session's current refresh token. When a row
# is deleted, the trigger `sessions_note_ended` writes to `ended_sessions`.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    _user_id(index=True),
    Column("digest", LargeBinary, nullable=False),
    Column(
        "seal_key",
        LargeBinary,
        nullable=False,
        server_default=text("(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))"),
    ),
    _now("created_at"),
    _now("used_at"),
    _time("expires_at", index=True),
    Column("program", String(100)),
)

# Sessions that ended while access tokens of them may have been valid, and revoked personal tokens.
# `transaction` is the number of the transaction that ended the session. A reader that has seen all
# finished transactions asks for greater numbers next time; times can be committed out of order.
ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    _time("used_at", index=True),
    Column(
        "transaction",
        BigInteger,
        nullable=False,
        server_default=text("pg_current_xact_id()::text::bigint"),
        index=True,
    ),
)

# `digest` is the SHA-256 of the token, `scopes` are separated by blanks. When a row is deleted, the
# trigger `personal_tokens_note_revoked` writes to `ended_sessions`.
personal_tokens = Table(
    "personal_tokens",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    _user_id(index=True),
    Column("name", String(100), nullable=False),
    Column("scopes", String(100), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    _now("created_at"),
    Column("used_at", DateTime(timezone=True)),
    _time("expires_at"),
)

# Counters of failed logins and of registrations. `digest` is the SHA-256 of the counter's name.
failed_sign_ins = Table(
    "failed_sign_ins",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("blocked_until", DateTime(timezone=True)),
    _time("expires_at", index=True),
)

# Clients from which a user has logged in.
known_clients = Table(
    "known_clients",
    metadata,
    _user_id(primary_key=True),
    Column("client", String(43), primary_key=True),  # the longest IPv6 network
    _now("seen_at"),
)
