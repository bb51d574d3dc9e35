"""What the portal has in common with all services."""

from servicekit.testing.conformance import Conformance


class TestConformance(Conformance):
    service = "portal"
    checks = ("user-service", "task-service", "stats-service")
