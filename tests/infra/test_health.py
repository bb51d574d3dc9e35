"""How long a service may take for its health, or for its own calls: its callers wait longer."""

import re

from portal_service.settings import PortalSettings
from servicekit import consul, health, personal_tokens
from stats_service.clients import task_service
from tasktracker_cluster.jobs import gateway
from tasktracker_cluster.topology import SERVICES
from tests.infra.reading import ROOT, Json, only_service

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


def test_a_service_gives_a_call_up_before_its_sidecar_does() -> None:
    """Then the client gets the service's own 503, and not a 504."""
    defaults = (ROOT / "consul/config-entries/proxy-defaults/global.hcl").read_text()
    (milliseconds,) = re.findall(r"local_request_timeout_ms = (\d+)", defaults)
    calls = personal_tokens.TIME_LIMIT + task_service.TIME_LIMIT
    assert calls < int(milliseconds) / 1000


def seconds(duration: str) -> int:
    """Return the seconds of one of Go's durations."""
    found = re.fullmatch(r"(\d+)s", duration)
    assert found, duration
    return int(found[1])
