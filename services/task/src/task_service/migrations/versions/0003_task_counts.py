"""How many tasks each owner has by status and priority, kept by triggers.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ENUM

revision = "0003"
down_revision = "0002"

STATUS = ENUM(name="task_status", create_type=False)
PRIORITY = ENUM(name="task_priority", create_type=False)

COME = "SELECT owner_id, status, priority, 1 AS change FROM come"
GONE = "SELECT owner_id, status, priority, -1 AS change FROM gone"
# By event: the rows before and after it that a trigger gets, and what they mean for the counts.
EVENTS = {
    "insert": ("NEW TABLE AS come", COME),
    "update": ("OLD TABLE AS gone NEW TABLE AS come", f"{COME} UNION ALL {GONE}"),
    "delete": ("OLD TABLE AS gone", GONE),
}
# The functions run as their owner: the application's role writes tasks and only reads counts.
# One sorted statement per event, so that all writers lock counts in the same order.
FUNCTION = """
CREATE FUNCTION task_counts_{event}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO task_counts AS kept (owner_id, status, priority, tasks)
    SELECT owner_id, status, priority, sum(change) FROM ({changes}) AS changes
    GROUP BY owner_id, status, priority HAVING sum(change) <> 0
    ORDER BY owner_id, status, priority
    ON CONFLICT (owner_id, status, priority) DO UPDATE SET tasks = kept.tasks + excluded.tasks;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION task_counts_{event}() FROM PUBLIC;
CREATE TRIGGER task_counts_{event} AFTER {event} ON tasks REFERENCING {rows}
FOR EACH STATEMENT EXECUTE FUNCTION task_counts_{event}();
"""
# After the triggers: they hold writers off until this transaction ends, so none is missed.
BACKFILL = """
INSERT INTO task_counts (owner_id, status, priority, tasks)
SELECT owner_id, status, priority, count(*) FROM tasks GROUP BY owner_id, status, priority
"""
# Default privileges let some roles write every table of ours.
GRANTEES = """
SELECT DISTINCT grantee FROM information_schema.role_table_grants
WHERE table_name = 'task_counts' AND grantee <> current_user
"""


def upgrade() -> None:
    op.create_table(
        "task_counts",
        sa.Column("owner_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("status", STATUS, primary_key=True),
        sa.Column("priority", PRIORITY, primary_key=True),
        sa.Column("tasks", sa.Integer, nullable=False),
    )
    connection = op.get_bind()
    quote = connection.dialect.identifier_preparer.quote
    for grantee in connection.scalars(sa.text(GRANTEES)).all():
        op.execute(f"REVOKE INSERT, UPDATE, DELETE ON task_counts FROM {quote(grantee)}")
    for event, (rows, changes) in EVENTS.items():
        op.execute(FUNCTION.format(event=event, rows=rows, changes=changes))
    op.execute(BACKFILL)


def downgrade() -> None:
    for event in EVENTS:
        op.execute(f"DROP TRIGGER task_counts_{event} ON tasks")
        op.execute(f"DROP FUNCTION task_counts_{event}()")
    op.drop_table("task_counts")
