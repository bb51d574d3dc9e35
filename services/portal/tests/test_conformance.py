from servicekit.testing.conformance import Conformance


class TestConformance(Conformance):
    service = "portal"
