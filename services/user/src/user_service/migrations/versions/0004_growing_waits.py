"""Note until when a counter makes its clients wait."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("failed_sign_ins", sa.Column("blocked_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("failed_sign_ins", "blocked_until")
