"""A site in a temporary folder, and a cluster whose agents are servers of the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.tests.conftest import isolated
from cluster.tests.fake_cluster import FakeCluster
from cluster.tests.http_server import Agent, serving
from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.site import Site

__all__ = ["isolated"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return a state folder and a checkout, both empty."""
    for name in ("home", "checkout"):
        (tmp_path / name).mkdir()
    return Site(home=tmp_path / "home", checkout=tmp_path / "checkout")


@pytest.fixture
def nomad() -> Iterator[Nomad]:
    with serving(Nomad()) as server:
        yield server


@pytest.fixture
def consul() -> Iterator[Agent]:
    with serving(Agent()) as server:
        yield server


@pytest.fixture
def cluster(site: Site, nomad: Nomad, consul: Agent) -> Cluster:
    return FakeCluster(site, nomad, consul)
