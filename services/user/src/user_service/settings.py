"""What the user service takes from its environment."""

import os

from pydantic import Field

from servicekit.settings import DatabaseSettings, ServiceSettings
from servicekit.token_settings import SigningSettings


class UserSettings(ServiceSettings, DatabaseSettings, SigningSettings):
    """HOST, PORT, LOG_LEVEL, DATABASE_URL, JWT_PRIVATE_KEY or SECRET_KEY, and the following."""

    port: int = 8001
    access_token_expire_minutes: int = Field(default=15, ge=1, le=1440)
    session_days: int = Field(
        default=30, ge=1, le=365, description="Days after which a user has to log in again"
    )
    trust_forwarded_for: bool = Field(
        default=False, description="Whether only the gateway can send X-Forwarded-For"
    )
    failures_per_account: int = Field(
        default=10, ge=1, description="Wrong passwords before a 429 with growing waits"
    )
    failures_per_client: int = Field(
        default=100, ge=1, description="The same in 15 minutes over all accounts"
    )
    registrations_per_client: int = Field(
        default=100, ge=1, description="Registrations in 15 minutes before a 429"
    )
    password_cost: int = Field(default=12, ge=4, le=16, description="bcrypt's log2 of rounds")
    password_workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    # Thirty for each worker wait about 7.5 s, half of the time after which a sidecar answers 504.
    password_queue: int = Field(
        default_factory=lambda values: 30 * values["password_workers"],
        ge=0,
        description="Hashes waiting before a 503",
    )
