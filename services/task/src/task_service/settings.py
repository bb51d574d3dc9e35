"""The settings of the task service."""

from pydantic import Field

from servicekit.settings import DatabaseSettings, EndedSessionsSettings
from servicekit.token_settings import TokenSettings
from task_service.domain.task import BIN_RETENTION


class TaskSettings(DatabaseSettings, TokenSettings, EndedSessionsSettings):
    """HOST, PORT, LOG_LEVEL, DATABASE_URL, JWT_PUBLIC_KEYS or SECRET_KEY, USER_SERVICE_URL.

    And the following.
    """

    port: int = 8002
    bin_days: int = Field(
        default=BIN_RETENTION.days, ge=1, le=3650, description="How long deleted tasks are kept"
    )
