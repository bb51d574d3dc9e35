"""The policy that all services share."""

from collections.abc import Callable
from typing import Any

import pytest

from servicekit.testing.conformance import BodyConformance, Conformance, TokenConformance
from servicekit.testing.credentials import KEYS
from servicekit.tokens import Principal, verify

Register = Callable[..., dict[str, Any]]
LogIn = Callable[..., dict[str, Any]]


class TestConformance(Conformance, TokenConformance, BodyConformance):
    service = "user-service"
    checks = ("database", "schema")
    protected = "/api/v1/auth/me"
    writable = "/api/v1/auth/register"
    text_field = "username"

    @pytest.fixture
    def caller(self, register: Register, log_in: LogIn) -> Principal:
        register()
        return verify(KEYS, log_in()["access_token"])
