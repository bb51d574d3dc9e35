"""Tell of each session when it was opened and used, and of each that has ended that it has."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_RANDOM = sa.text("(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))")


def upgrade() -> None:
    # With defaults: the release before this one goes on opening sessions until it has gone.
    op.add_column(
        "sessions", sa.Column("seal_key", sa.LargeBinary, nullable=False, server_default=_RANDOM)
    )
    for name in ("created_at", "used_at"):
        kind = sa.DateTime(timezone=True)
        column = sa.Column(name, kind, nullable=False, server_default=sa.func.now())
        op.add_column("sessions", column)
    op.add_column("sessions", sa.Column("program", sa.String(100)))
    op.create_table(
        "ended_sessions",
        sa.Column("session_id", sa.Uuid, primary_key=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "transaction",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
        ),
    )
    op.create_index("ix_ended_sessions_used_at", "ended_sessions", ["used_at"])
    op.create_index("ix_ended_sessions_transaction", "ended_sessions", ["transaction"])
    # In the database, because sessions end in many ways, one of them an account's deletion. No
    # access token is good for longer than a day.
    op.execute("""
        CREATE FUNCTION note_ended_session() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO ended_sessions (session_id, used_at) VALUES (OLD.id, OLD.used_at)
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER sessions_note_ended AFTER DELETE ON sessions
        FOR EACH ROW WHEN (OLD.used_at > now() - interval '25 hours')
        EXECUTE FUNCTION note_ended_session()
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER sessions_note_ended ON sessions")
    op.execute("DROP FUNCTION note_ended_session()")
    op.drop_table("ended_sessions")
    for name in ("program", "used_at", "created_at", "seal_key"):
        op.drop_column("sessions", name)
