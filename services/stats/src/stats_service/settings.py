"""What the stats service takes from its environment."""

from typing import Annotated

from pydantic import Field, HttpUrl

from servicekit.settings import ServiceSettings, TokenSettings


class StatsSettings(TokenSettings, ServiceSettings):
    """HOST, PORT, LOG_LEVEL, SECRET_KEY, TASK_SERVICE_URL."""

    port: int = 8003
    task_service_url: Annotated[
        HttpUrl, Field(description="where the task service answers, e.g. http://127.0.0.1:8002")
    ]
