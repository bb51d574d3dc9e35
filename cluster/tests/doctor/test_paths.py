"""doctor.paths: where doctor can run."""

import pytest

from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.doctor import paths
from tasktracker_cluster.errors import WrongMachineError
from tasktracker_cluster.node import Node


def test_a_machine_that_has_joined_names_the_machine_where_doctor_runs(cluster: Cluster) -> None:
    cluster.site.node_file.write_text(Node("node-2", "10.0.0.2", True, "10.0.0.1").text)
    with pytest.raises(WrongMachineError) as raised:
        paths.all_paths(cluster)
    assert raised.value.hint.startswith("Run it on the first machine, 10.0.0.1.")


def test_the_first_machine_checks_a_path_to_each_service(cluster: Cluster) -> None:
    cluster.site.node_file.write_text(Node(address="10.0.0.1").text)
    found = {path.name for path in paths.all_paths(cluster)}
    assert {"machine", "agents", "gateway", "user-service", "portal"} <= found
