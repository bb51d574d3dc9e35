"""Create the table of personal access tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "personal_tokens",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column(
            "user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("scopes", sa.String(100), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("created_at", moment, nullable=False, server_default=sa.func.now()),
        sa.Column("used_at", moment),
        sa.Column("expires_at", moment, nullable=False),
    )
    op.create_index("ix_personal_tokens_user_id", "personal_tokens", ["user_id"])
    # Services remember a token that they asked about: its end is told like a session's.
    op.execute("""
        CREATE FUNCTION note_revoked_token() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO ended_sessions (session_id, used_at) VALUES (OLD.id, now())
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER personal_tokens_note_revoked AFTER DELETE ON personal_tokens
        FOR EACH ROW EXECUTE FUNCTION note_revoked_token()
    """)


def downgrade() -> None:
    op.drop_table("personal_tokens")
    op.execute("DROP FUNCTION note_revoked_token()")
