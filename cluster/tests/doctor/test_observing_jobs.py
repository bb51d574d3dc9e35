"""doctor.observing_jobs: the hops of what `observe` added."""

from collections.abc import Iterator
from functools import cached_property

import pytest

from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, serving
from cluster.tests.nomad_server import Nomad, allocation, node
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.doctor import hops, observing_jobs
from tasktracker_cluster.doctor.hops import Finding
from tasktracker_cluster.site import Site

PERMISSIONS = [{"Action": "allow", "HTTP": {"PathExact": "/internal/insert"}}]


class Observed(FakeCluster):
    """A cluster whose store of metrics is a server of a test, too."""

    store = Agent()

    @cached_property
    def metrics(self) -> Api:
        """The test's VictoriaMetrics."""
        return self.store.api()


@pytest.fixture
def observed(site: Site, nomad: Nomad, consul: Agent) -> Iterator[Observed]:
    (site.home / "nomad" / "alloc" / "one").mkdir(parents=True)
    nomad.answers["/v1/job/metrics"] = {"Stop": False}
    nomad.answers["/v1/job/metrics/allocations"] = [allocation("one")]
    with serving(Agent()) as store:
        cluster = Observed(site, nomad, consul)
        cluster.store = store
        yield cluster


def gives(cluster: Observed, **sources: str) -> None:
    """Let the store know sources of metrics by service, with 1 for those that answer."""
    result = [
        {
            "metric": {"job": "service", "service": name, "instance": "a", "node": "node-2"},
            "value": [0, value],
        }
        for name, value in sources.items()
    ]
    cluster.store.answers["/api/v1/query"] = {"data": {"result": result}}


def last(cluster: Observed) -> Finding:
    """Return the first broken hop, or the last one."""
    found = list(hops.diagnose(observing_jobs.paths(cluster)))
    return next((each for each in found if each.state == "broken"), found[-1])


def test_without_observe_there_are_no_hops(observed: Observed, nomad: Nomad) -> None:
    del nomad.answers["/v1/job/metrics"]
    assert observing_jobs.paths(observed) == []


def test_with_every_source_answering_all_hops_work(observed: Observed) -> None:
    gives(observed, portal="1", user="1")
    assert (last(observed).state, last(observed).detail) == ("ok", "2 sources")


def test_a_source_without_an_answer_is_named(observed: Observed) -> None:
    gives(observed, portal="0", user="1")
    assert last(observed).detail == "without an answer: service portal on node-2"
    assert last(observed).repair.endswith("/targets")


def test_a_store_that_asks_nobody_is_broken(observed: Observed) -> None:
    gives(observed)
    assert last(observed).detail == "nothing is asked yet"


def test_a_job_without_an_instance_is_broken(observed: Observed, nomad: Nomad) -> None:
    nomad.answers["/v1/job/metrics/allocations"] = []
    assert (last(observed).hop, last(observed).state) == ("metrics", "broken")


@pytest.fixture
def collecting(observed: Observed, nomad: Nomad, consul: Agent) -> Observed:
    """Return a cluster whose second machine sends its logs."""
    gives(observed, portal="1")
    nomad.answers["/v1/job/collector"] = {"Stop": False}
    nomad.answers["/v1/job/collector/allocations"] = [allocation("there", NodeName="node-2")]
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2")]
    consul.answers["/v1/connect/intentions/match"] = {
        "intake": [{"SourceName": "collector", "Permissions": PERMISSIONS}]
    }
    return observed


def test_the_machines_that_send_their_logs_are_named(collecting: Observed, nomad: Nomad) -> None:
    found = list(hops.diagnose(observing_jobs.paths(collecting)))
    details = {each.hop: each.detail for each in found}
    assert details["collector"] == "runs on node-2"
    assert details["intention collector -> intake"] == "allowed: /internal/insert"
    nomad.answers["/v1/nodes"] = [node("node-1")]
    nomad.answers["/v1/job/collector/allocations"] = []
    found = list(hops.diagnose(observing_jobs.paths(collecting)))
    assert {each.hop: each.detail for each in found}["collector"].startswith("waits for")


def test_a_machine_that_does_not_send_its_logs_is_named(collecting: Observed, nomad: Nomad) -> None:
    nomad.answers["/v1/nodes"] = [node("node-1"), node("node-2"), node("node-3")]
    assert last(collecting).detail == "no instance on node-3"


def test_a_collector_that_may_not_send_is_broken(collecting: Observed, consul: Agent) -> None:
    consul.answers["/v1/connect/intentions/match"] = {"intake": []}
    assert "no intention allows collector" in last(collecting).detail
    assert last(collecting).repair.endswith("consul/member-entries/service-intentions/intake.hcl")
