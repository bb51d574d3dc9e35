"""Tasks, and the trigger that keeps their version and time of change.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ENUM

revision = "0001"
down_revision = None

STATUS = ENUM("todo", "in_progress", "done", name="task_status", create_type=False)
PRIORITY = ENUM("low", "medium", "high", name="task_priority", create_type=False)

# Setting a field to the value it has is no change: completing twice keeps the version.
# The columns are listed because PostgreSQL allows no whole row with a generated column here.
TRIGGER = """
CREATE FUNCTION tasks_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    NEW.version := OLD.version + 1;
    RETURN NEW;
END
$$;
CREATE TRIGGER tasks_touch BEFORE UPDATE ON tasks FOR EACH ROW
WHEN ((OLD.title, OLD.description, OLD.status, OLD.priority, OLD.due_date, OLD.owner_id)
      IS DISTINCT FROM
      (NEW.title, NEW.description, NEW.status, NEW.priority, NEW.due_date, NEW.owner_id))
EXECUTE FUNCTION tasks_touch();
"""


def upgrade() -> None:
    STATUS.create(op.get_bind())
    PRIORITY.create(op.get_bind())
    time = sa.DateTime(timezone=True)
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.String(255), nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("status", STATUS, nullable=False, server_default="todo"),
        sa.Column("priority", PRIORITY, nullable=False, server_default="medium"),
        sa.Column("is_completed", sa.Boolean, sa.Computed("status = 'done'", True), nullable=False),
        sa.Column("due_date", time),
        sa.Column("owner_id", sa.Integer, nullable=False),
        sa.Column("created_at", time, nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", time, nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    )
    op.create_index(
        "ix_tasks_owner_newest",
        "tasks",
        ["owner_id", sa.text("created_at DESC"), sa.text("id DESC")],
    )
    op.create_index(
        "ix_tasks_owner_due_open",
        "tasks",
        ["owner_id", "due_date"],
        postgresql_where=sa.text("NOT is_completed"),
    )
    op.execute(TRIGGER)


def downgrade() -> None:
    op.drop_table("tasks")
    op.execute("DROP FUNCTION tasks_touch()")
    PRIORITY.drop(op.get_bind())
    STATUS.drop(op.get_bind())
