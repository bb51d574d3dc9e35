"""The conformance tests, run on servicekit's own small service."""

from servicekit.testing.conformance import BodyConformance, Conformance, TokenConformance


class TestConformance(Conformance, TokenConformance, BodyConformance):
    service = "note-service"
    checks = ("a",)
    protected = "/notes/"
    writable = "/notes/"
    text_field = "title"
