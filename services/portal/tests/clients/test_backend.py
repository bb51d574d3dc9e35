"""Which paths a service owns."""

import httpx
import pytest

from portal_service.clients.backend import Backend


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        ("/api/v1/tasks", True),
        ("/api/v1/tasks/", True),
        ("/api/v1/tasks/1/complete", True),
        ("/api/v1/tasksX", False),
        ("/api/v1/task", False),
        ("/API/v1/tasks", False),
        ("", False),
    ],
)
def test_a_service_owns_its_prefix_and_what_is_below(path: str, owned: bool) -> None:
    backend = Backend("task-service", "/api/v1/tasks", httpx.AsyncClient(), time_limit=1.0)

    assert backend.owns(path) is owned
