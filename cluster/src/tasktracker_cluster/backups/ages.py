"""Ages of backups in words."""

from datetime import timedelta


def told(age: timedelta) -> str:
    """Return an age in minutes, or from two hours on in hours."""
    minutes = max(0, int(age.total_seconds())) // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
