"""Indexes for every sort and for the search, built while the tasks are in use.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"

# Both are trusted extensions, which the owner of a database may create. The search's index leads
# with the owner, so that it is only as slow as its own owner's tasks.
EXTENSIONS = ("btree_gin", "pg_trgm")
INDEXES = {
    "ix_tasks_owner_due": "(owner_id, coalesce(due_date, 'infinity'), id)",
    "ix_tasks_owner_priority": "(owner_id, priority, id)",
    "ix_tasks_owner_title": '(owner_id, lower(title) COLLATE "C", id)',
    "ix_tasks_owner_words": "USING gin (owner_id, title gin_trgm_ops, description gin_trgm_ops)",
}


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            # A build that was cut off leaves an index that exists and serves nobody.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON tasks {definition}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX IF EXISTS {name}")
    for extension in EXTENSIONS:
        op.execute(f"DROP EXTENSION {extension}")
