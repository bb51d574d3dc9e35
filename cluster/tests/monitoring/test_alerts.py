"""monitoring.alerts: the alerts that fire, and their lines in `status`."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest

from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, serving
from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.monitoring import alerts, status
from tasktracker_cluster.monitoring.alerts import Alert
from tasktracker_cluster.site import Site


class Watched(FakeCluster):
    """A cluster whose alerts are those of a server of a test."""

    vmalert = Agent()

    @cached_property
    def alerts(self) -> Api:
        """The test's vmalert."""
        return self.vmalert.api()


@pytest.fixture
def watched(site: Site, nomad: Nomad, consul: Agent) -> Iterator[Watched]:
    with serving(Agent()) as vmalert:
        cluster = Watched(site, nomad, consul)
        cluster.vmalert = vmalert
        yield cluster


def alert(name: str, state: str, **annotations: str) -> dict[str, Any]:
    return {"name": name, "state": state, "annotations": annotations}


def test_those_that_fire_are_returned_in_order(watched: Watched) -> None:
    known = [
        alert("ServiceDown", "firing", summary="portal is down."),
        alert("Latency", "pending", summary="slow"),
        alert("DiskFull", "firing"),
    ]
    watched.vmalert.answers["/api/v1/alerts"] = {"data": {"alerts": known}}
    found = alerts.firing(watched)
    assert found == [Alert("DiskFull", ""), Alert("ServiceDown", "portal is down.")]


def test_status_has_a_line_of_each_alert_that_fires(watched: Watched) -> None:
    known = [alert("ServiceDown", "firing", summary="portal is down.")]
    watched.vmalert.answers["/api/v1/alerts"] = {"data": {"alerts": known}}
    (row,) = status.alerting(watched)
    assert (row.name, row.state, row.health) == ("ServiceDown", "firing", "portal is down.")


def test_status_is_not_silent_while_vmalert_is(watched: Watched) -> None:
    (row,) = status.alerting(watched)
    assert (row.kind, row.name, row.state) == ("alert", "all", "unknown")
    assert "answered 404" in row.health


def test_without_an_answer_nobody_knows(watched: Watched) -> None:
    with pytest.raises(ApiError, match="answered 404"):
        alerts.firing(watched)
