"""How long a service may take to tell its health. All that ask for it wait longer."""

import re

from portal_service.settings import PortalSettings
from servicekit import consul, health
from tasktracker_cluster.jobs import gateway
from tasktracker_cluster.topology import SERVICES
from tests.infra.reading import Json, only_service

SECOND = 10**9  # Nomad counts nanoseconds


def test_a_service_tells_that_its_database_is_late_before_consul_gives_up(
    jobs: dict[str, Json],
) -> None:
    # A shorter limit would count as a failure what Consul still waits for.
    for name in [each.name for each in SERVICES]:
        (check,) = only_service(jobs[name])["Checks"]
        assert 1 <= check["Timeout"] / SECOND - health.TIME_LIMIT <= 2, name
        assert check["Timeout"] == seconds(consul.CHECK_TIME_LIMIT) * SECOND, "as in ./just dev"
        assert check["Timeout"] < gateway.LIMIT_SECONDS * SECOND, "`up` waits for the portal"


def test_the_portal_hears_that_a_database_is_late_before_up_gives_up() -> None:
    portal = PortalSettings.model_fields["service_time_limit"].default
    assert health.TIME_LIMIT < portal < gateway.LIMIT_SECONDS


def seconds(duration: str) -> int:
    """Return the seconds of one of Go's durations."""
    found = re.fullmatch(r"(\d+)s", duration)
    assert found, duration
    return int(found[1])
