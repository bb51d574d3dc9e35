"""A first machine with its server for others, and a machine that wants to join."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.tests.consul_server import Consul
from cluster.tests.fake_cluster import FakeCluster, install_release
from cluster.tests.http_server import serving
from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.agents import certificates
from tasktracker_cluster.membership import caller, invitations, joining, members
from tasktracker_cluster.membership.join_line import JoinLine
from tasktracker_cluster.membership.member_server import MemberServer
from tasktracker_cluster.membership.members import Member
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site


@dataclass(frozen=True)
class First:
    """The first machine. Its server is on a free port of loopback."""

    site: Site
    nomad: Nomad
    consul: Consul
    cluster: FakeCluster
    server: MemberServer

    def line(self) -> JoinLine:
        """Return a new join line."""
        own = certificates.identity(self.site, certificates.MEMBERSHIP)
        secret = invitations.make(self.site)
        return JoinLine("127.0.0.1", self.server.server_port, own.fingerprint, secret)


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[First]:
    site = Site(tmp_path / "first", tmp_path)
    site.secrets.mkdir(parents=True)
    install_release(site)
    site.node_file.write_text(Node(address="127.0.0.1").text)
    with serving(Nomad()) as nomad, serving(Consul()) as consul:
        nomad.answers["/v1/acl/identity/client-introduction-token"] = {"JWT": "an introduction"}
        cluster = FakeCluster(site, nomad, consul)
        certificates.identity(site, certificates.MEMBERSHIP)
        members.put(cluster.consul, Member("node-1", "127.0.0.1"))
        consul.alive.add("node-1")
        with MemberServer(cluster, port=0) as server:
            monkeypatch.setattr(caller, "MEMBERSHIP_PORT", server.server_port)
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            try:
                yield First(site, nomad, consul, cluster, server)
            finally:
                server.shutdown()
                thread.join()


Joins = Callable[..., Site]


@pytest.fixture
def join(first: First, tmp_path: Path) -> Joins:
    """Return a function that lets a new machine join, and returns its site."""

    def join(
        line: JoinLine | None = None,
        name: str = "",
        address: str = "10.0.0.2",
        folder: str = "other",
        checkout: Path = tmp_path,
    ) -> Site:
        site = Site(tmp_path / folder, checkout)
        site.secrets.mkdir(parents=True, exist_ok=True)
        (site.home / "nomad").mkdir(exist_ok=True)
        joining.ask(site, line or first.line(), name, address)
        return site

    return join
