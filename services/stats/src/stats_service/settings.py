"""What the stats service takes from its environment."""

from pydantic import HttpUrl
from servicekit.settings import ServiceSettings, TokenSettings


class StatsSettings(ServiceSettings, TokenSettings):
    """HOST, PORT, LOG_LEVEL, SECRET_KEY, TASK_SERVICE_URL."""

    port: int = 8003
    task_service_url: HttpUrl
