"""What the task service has in common with all services."""

from servicekit.testing.conformance import BodyConformance, Conformance, TokenConformance


class TestConformance(Conformance, TokenConformance, BodyConformance):
    service = "task-service"
    checks = ("database", "schema")
    protected = "/api/v1/tasks/"
    writable = "/api/v1/tasks/"
    text_field = "title"
