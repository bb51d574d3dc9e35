"""A cluster whose agents are servers of a test."""

import sys
from functools import cached_property

from cluster.tests.http_server import Agent
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.site import Site


class FakeCluster(Cluster):
    """A cluster that talks to the servers of a test."""

    def __init__(self, site: Site, nomad: Agent, consul: Agent) -> None:
        super().__init__(site)
        self._nomad, self._consul = nomad, consul

    def anew(self) -> "FakeCluster":
        """Return the same cluster with its tokens as their files are now."""
        return FakeCluster(self.site, self._nomad, self._consul)

    @cached_property
    def nomad(self) -> Api:
        """The test's Nomad."""
        return self._nomad.api()

    @cached_property
    def consul(self) -> Api:
        """The test's Consul."""
        return self._consul.api()


class ClusterWithToken(FakeCluster):
    """A cluster that shows Consul the token of this machine's agent, as a joined machine does."""

    def anew(self) -> "ClusterWithToken":
        """Return the same cluster with its tokens as their files are now."""
        return ClusterWithToken(self.site, self._nomad, self._consul)

    @cached_property
    def consul(self) -> Api:
        """The test's Consul."""
        return self._consul.api(self.tokens.consul_agent)


def install_release(site: Site) -> None:
    """Give the site a release: the program that makes keys is in it."""
    program = site.releases / "a1b2c3" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    program.chmod(0o755)
    site.release.symlink_to("a1b2c3")
