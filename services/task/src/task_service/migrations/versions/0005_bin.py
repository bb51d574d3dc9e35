"""The bin of deleted tasks, as a table of its own: the one of the tasks stays in use meanwhile.

Revision ID: 0005
Revises: 0004
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ENUM

revision = "0005"
down_revision = "0004"

STATUS = ENUM(name="task_status", create_type=False)
PRIORITY = ENUM(name="task_priority", create_type=False)


def _moment(name: str) -> sa.Column[datetime]:
    kind = sa.DateTime(timezone=True)
    return sa.Column(name, kind, nullable=False, server_default=sa.func.now())


def upgrade() -> None:
    op.create_table(
        "deleted_tasks",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("status", STATUS, nullable=False, server_default="todo"),
        sa.Column("priority", PRIORITY, nullable=False, server_default="medium"),
        sa.Column("is_completed", sa.Boolean, sa.Computed("status = 'done'", True), nullable=False),
        sa.Column("due_date", sa.DateTime(timezone=True)),
        sa.Column("owner_id", sa.Integer, nullable=False),
        _moment("created_at"),
        _moment("updated_at"),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        _moment("deleted_at"),
    )
    op.create_index(
        "ix_deleted_tasks_owner_newest",
        "deleted_tasks",
        ["owner_id", sa.text("created_at DESC"), sa.text("id DESC")],
    )
    op.create_index("ix_deleted_tasks_deleted_at", "deleted_tasks", ["deleted_at"])


def downgrade() -> None:
    op.drop_table("deleted_tasks")
