"""What Alembic runs; the policy is servicekit's."""

from servicekit import migrate
from user_service.persistence.tables import metadata

migrate.run_env(metadata)
