"""observing: which machines may store what is observed."""

from collections.abc import Iterator

import pytest
from rich.console import Console

from cluster.tests.consul_server import Consul
from cluster.tests.http_server import serving
from tasktracker_cluster import observing
from tasktracker_cluster.agents import supervisor
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import SeveralMachinesError
from tasktracker_cluster.jobs import observers
from tasktracker_cluster.machine import preflight
from tasktracker_cluster.membership import members
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.progress import Steps


class ComesSoFarError(Exception):
    """What comes after the checks: it would change this machine."""


@pytest.fixture
def consul() -> Iterator[Consul]:
    with serving(Consul()) as server:
        yield server


@pytest.fixture(autouse=True)
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let root call, on a machine whose agents run."""

    def come_so_far(_: Cluster) -> None:
        raise ComesSoFarError

    monkeypatch.setattr(preflight, "must_be_root", lambda _: None)
    monkeypatch.setattr(supervisor, "must_run", lambda _: None)
    monkeypatch.setattr(observers, "running", come_so_far)


def start(cluster: Cluster, sampling: float | None) -> None:
    observing.start(cluster, Steps(Console(quiet=True)), None, sampling)


def test_traces_are_refused_when_a_machine_has_joined(cluster: Cluster) -> None:
    own = cluster.site.node.name
    for name in (own, "node-2", "node-3"):
        members.put(cluster.consul, Member(name, "10.0.0.1"))
    with pytest.raises(SeveralMachinesError) as raised:
        start(cluster, 0)
    assert "This one has node-2, node-3, too." in raised.value.message
    assert "./just observe" in raised.value.hint
    with pytest.raises(ComesSoFarError):
        start(cluster, None)  # without traces nothing is refused
    for name in ("node-2", "node-3"):
        members.remove(cluster.consul, name)
    with pytest.raises(ComesSoFarError):
        start(cluster, 0)


def test_a_cluster_without_an_address_for_others_may_have_traces(cluster: Cluster) -> None:
    with pytest.raises(ComesSoFarError):
        start(cluster, 0)
