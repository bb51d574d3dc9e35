"""What Alembic runs; the policy is servicekit's."""

from servicekit import migrate
from task_service.persistence.tables import metadata

migrate.run_env(metadata)
