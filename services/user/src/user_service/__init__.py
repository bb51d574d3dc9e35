"""The user service. This module imports nothing heavy: a migration starts from it."""

from pathlib import Path

SERVICE = "user-service"
MIGRATIONS = Path(__file__).parent / "migrations"
