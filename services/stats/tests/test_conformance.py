"""What the stats service has in common with all services."""

import pytest
from fastapi import FastAPI

from servicekit.testing.conformance import Conformance, TokenConformance


class TestConformance(Conformance, TokenConformance):
    service = "stats-service"
    protected = "/api/v1/stats/"

    @pytest.fixture
    def checking(self, app: FastAPI, task_app: FastAPI) -> list[FastAPI]:
        return [app, task_app]
