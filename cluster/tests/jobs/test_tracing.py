"""jobs.tracing: what the job files are told, and whether spans are sent."""

import pytest

from cluster.tests.nomad_server import Nomad
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.jobs import tracing


def gateway(env: dict[str, str] | None) -> object:
    return {"TaskGroups": [{"Tasks": [{"Env": env}]}]}


@pytest.mark.parametrize("job", [None, {"Stop": True, "Meta": {"sampling": "0.5"}}])
def test_without_the_job_nothing_is_traced(cluster: Cluster, nomad: Nomad, job: object) -> None:
    if job is not None:
        nomad.answers["/v1/job/traces"] = job
    assert tracing.job_variables(cluster) == {}
    assert not tracing.is_in({})


def test_the_job_remembers_the_share_of_requests(cluster: Cluster, nomad: Nomad) -> None:
    nomad.answers["/v1/job/traces"] = {"Stop": False, "Meta": {"sampling": "0.01"}}
    variables = tracing.job_variables(cluster)
    assert variables == {"traces": "http://169.254.1.1:4318/v1/traces", "sampling": "0.01"}
    assert tracing.is_in(variables)
    assert tracing.without({**variables, "instances": "2"}) == {"instances": "2"}


@pytest.mark.parametrize(
    ("env", "deployed"), [(None, False), ({"TRACES_URL": ""}, False), ({"TRACES_URL": "x"}, True)]
)
def test_the_gateways_job_tells_whether_it_sends_spans(
    cluster: Cluster, nomad: Nomad, env: dict[str, str] | None, deployed: bool
) -> None:
    nomad.answers["/v1/job/traefik"] = gateway(env)
    assert tracing.is_deployed(cluster) is deployed
