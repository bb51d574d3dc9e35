"""The settings of the stats service."""

from servicekit.settings import EndedSessionsSettings, ServiceUrl
from servicekit.token_settings import TokenSettings


class StatsSettings(TokenSettings, EndedSessionsSettings):
    """HOST, PORT, LOG_LEVEL, JWT_PUBLIC_KEYS or SECRET_KEY, TASK_SERVICE_URL, USER_SERVICE_URL."""

    port: int = 8003
    task_service_url: ServiceUrl = None
