"""What the task service takes from its environment."""

from servicekit.settings import DatabaseSettings, ServiceSettings, TokenSettings


class TaskSettings(DatabaseSettings, TokenSettings, ServiceSettings):
    """HOST, PORT, LOG_LEVEL, DATABASE_URL, SECRET_KEY."""

    port: int = 8002
