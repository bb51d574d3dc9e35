"""Why there are no figures.

StatisticsError
├── TaskServiceUnavailableError
└── TokenRefusedError
"""


class StatisticsError(Exception):
    """Base of this service's errors; its text is written for the caller."""


class TaskServiceUnavailableError(StatisticsError):
    """The task service gave no usable answer: none, too late, an error or no figures."""

    def __init__(self) -> None:
        super().__init__("The task service does not answer right now: try again.")


class TokenRefusedError(StatisticsError):
    """The task service refused a token that this service had accepted."""

    def __init__(self) -> None:
        super().__init__("The token is no longer accepted: log in again.")
