"""What Alembic runs; the policy is servicekit's."""

from servicekit import migrate
from user_service.persistence.models import Base

migrate.run_env(Base.metadata)
