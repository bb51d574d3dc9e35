"""The settings of the portal."""

from pathlib import Path

from pydantic import Field

from servicekit.settings import ServiceSettings, ServiceUrl


class PortalSettings(ServiceSettings):
    """HOST, PORT, LOG_LEVEL, USER_SERVICE_URL, TASK_SERVICE_URL, STATS_SERVICE_URL, OBSERVING_FILE.

    OBSERVING_FILE is a file with a line for each page that shows metrics or logs: its name, a
    space, its address. It may change at any time.
    """

    port: int = 8004
    user_service_url: ServiceUrl = None
    task_service_url: ServiceUrl = None
    stats_service_url: ServiceUrl = None
    observing_file: Path | None = None
    service_time_limit: float = Field(default=5.0, gt=0, le=30, description="Seconds")
