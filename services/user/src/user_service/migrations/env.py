"""What Alembic runs. servicekit has the policy."""

from servicekit import migrate
from user_service.persistence.tables import metadata

migrate.run_env(metadata)
