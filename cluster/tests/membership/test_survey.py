"""membership.survey: what counts as an instance of a machine."""

from cluster.tests.membership.conftest import First
from cluster.tests.nomad_server import allocation
from tasktracker_cluster.membership import survey


def test_only_instances_count_that_run_and_are_not_stopped(first: First) -> None:
    first.nomad.answers["/v1/allocations"] = [
        allocation("runs"),
        allocation("ends", DesiredStatus="stop"),  # for 10 s, after another one took its place
        allocation("starts", "pending"),
        allocation("elsewhere", NodeName="node-2"),
    ]
    (machine,) = survey.of_machines(first.cluster)
    assert (machine.name, machine.agents, machine.nomad) == ("node-1", "alive", "ready")
    assert machine.instances == 1
