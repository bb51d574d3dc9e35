"""membership.joining: which machines may join."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from rich.console import Console

from tasktracker_cluster import growing
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import StaleStateError, UnreachableFirstError
from tasktracker_cluster.machine import installing
from tasktracker_cluster.membership import joining
from tasktracker_cluster.membership.join_line import JoinLine
from tasktracker_cluster.node import Node
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.site import Site
from tasktracker_cluster.testing.namespaces import network_namespace

LINE = JoinLine("10.0.0.1", 4651, "ab" * 32, "s" * 43)
STEPS = Steps(Console(quiet=True))
ANOTHER = "10.9.9.9"


def with_data(site: Site) -> None:
    """Leave what Consul writes when it starts for the first time."""
    (site.home / "consul").mkdir()
    (site.home / "consul" / "node-id").write_text("an id")


def content(site: Site) -> dict[Path, str | None]:
    """Return every file and folder of the state folder, with its text."""
    return {path: path.read_text() if path.is_file() else None for path in site.home.rglob("*")}


def test_a_new_machine_may_join(site: Site) -> None:
    joining.must_be_new(site, LINE)


def test_a_machine_without_a_route_is_told_so() -> None:
    with (
        network_namespace(),
        pytest.raises(UnreachableFirstError, match=r"no route .* 192\.0\.2\.1"),
    ):
        joining.address_towards("192.0.2.1")


def test_a_machine_may_try_again_to_join_the_same_cluster(site: Site) -> None:
    with_data(site)
    site.node_file.write_text(Node("node-2", "10.0.0.2", False, LINE.address).text)
    joining.must_be_new(site, LINE)


@pytest.mark.parametrize(
    ("node", "has_data", "whose"),
    [
        (None, True, "a cluster of its own"),
        (Node(address="10.0.0.2"), False, "a cluster of its own"),
        (Node("node-2", "10.0.0.2", False, ANOTHER), False, f"the cluster of {ANOTHER}"),
        (Node("node-2", "10.0.0.2", False, ANOTHER), True, f"the cluster of {ANOTHER}"),
    ],
)
def test_a_machine_with_the_state_of_another_cluster_is_refused_and_not_changed(
    site: Site, node: Node | None, has_data: bool, whose: str
) -> None:
    if node:
        site.node_file.write_text(node.text)
    if has_data:
        with_data(site)
    before = content(site)
    with pytest.raises(StaleStateError) as raised:
        joining.must_be_new(site, LINE)
    assert raised.value.message == f"{site.home} has the data of {whose}."
    assert "./just destroy" in raised.value.hint
    assert content(site) == before != {}


@pytest.fixture
def short() -> Iterator[Site]:
    """Give a state folder whose name is short enough for sockets."""
    with TemporaryDirectory(dir="/tmp") as home:
        yield Site(Path(home), Path(home))


@pytest.mark.skipif(os.geteuid() != 0, reason="join needs root")
def test_join_refuses_old_state_before_it_changes_anything(
    short: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # If `join` came so far, it would install packages on this machine.
    monkeypatch.setattr(installing, "install_tools", lambda *_: pytest.fail("It installs."))
    with_data(short)
    before = content(short)
    with pytest.raises(StaleStateError, match="has the data of a cluster of its own"):
        growing.join(Cluster(short), STEPS, LINE.text, "", "127.0.0.1")
    assert content(short) == before
