"""The settings of the portal."""

from pydantic import Field

from servicekit.settings import ServiceSettings, ServiceUrl


class PortalSettings(ServiceSettings):
    """HOST, PORT, LOG_LEVEL, USER_SERVICE_URL, TASK_SERVICE_URL, STATS_SERVICE_URL."""

    port: int = 8004
    user_service_url: ServiceUrl = None
    task_service_url: ServiceUrl = None
    stats_service_url: ServiceUrl = None
    service_time_limit: float = Field(default=2.0, gt=0, le=30, description="Seconds")
