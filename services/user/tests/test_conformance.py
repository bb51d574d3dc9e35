from collections.abc import Callable
from typing import Any

import pytest

from servicekit.testing.conformance import BodyConformance, Conformance, TokenConformance
from servicekit.tokens import Principal

Register = Callable[..., dict[str, Any]]


class TestConformance(Conformance, TokenConformance, BodyConformance):
    service = "user-service"
    protected = "/api/v1/auth/me"
    writable = "/api/v1/auth/register"
    text_field = "username"

    @pytest.fixture
    def caller(self, register: Register) -> Principal:
        return Principal(register()["id"], is_superuser=False)
