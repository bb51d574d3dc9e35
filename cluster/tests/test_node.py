"""node: what a machine is in its cluster, in a file."""

from pathlib import Path

import pytest

from tasktracker_cluster.errors import StaleStateError
from tasktracker_cluster.node import Node
from tasktracker_cluster.site import Site

JOINED = Node("node-2", "10.0.0.2", False, "10.0.0.1", ("10.0.0.1",))


def test_without_a_file_it_is_the_only_machine_and_on_loopback(tmp_path: Path) -> None:
    node = Site(tmp_path, tmp_path).node
    assert node == Node("node-1", "", True, "")
    assert (node.is_first, node.is_advertised) == (True, False)


def test_a_written_node_is_read_as_it_was(tmp_path: Path) -> None:
    site = Site(tmp_path, tmp_path)
    site.node_file.write_text(JOINED.text)
    assert site.node == JOINED
    assert (JOINED.is_first, JOINED.is_advertised) == (False, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "a", "peers": [], "colour": 1}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    site = Site(tmp_path, tmp_path)
    site.node_file.write_text(text)
    with pytest.raises(StaleStateError) as raised:
        _ = site.node
    assert str(site.node_file) in raised.value.message
