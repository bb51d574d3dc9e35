"""membership.survey: what counts as an instance of a machine."""

from cluster.tests.membership.conftest import First
from cluster.tests.nomad_server import allocation
from tasktracker_cluster.membership import members, survey
from tasktracker_cluster.membership.members import Member


def test_the_leaders_of_the_servers_are_found_by_their_addresses(first: First) -> None:
    first.nomad.answers["/v1/allocations"] = []
    first.consul.answers["/v1/status/leader"] = "127.0.0.1:8300"
    first.nomad.answers["/v1/status/leader"] = "10.0.0.2:4647"
    members.put(first.cluster.consul, Member("node-2", "10.0.0.2"))
    leads = {each.name: each.leads for each in survey.of_machines(first.cluster)}
    assert leads == {"node-1": ("Consul",), "node-2": ("Nomad",)}


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
