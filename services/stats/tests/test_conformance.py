from servicekit.testing.conformance import Conformance, TokenConformance


class TestConformance(Conformance, TokenConformance):
    service = "stats-service"
    protected = "/api/v1/stats/"
