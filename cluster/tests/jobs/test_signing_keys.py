"""jobs.signing_keys: the keys of each service, and the steps of a rotation."""

import json
import os
from dataclasses import dataclass, field

import pytest
from rich.console import Console

from cluster.tests.fake_cluster import install_release
from cluster.tests.http_server import Request
from cluster.tests.nomad_server import Nomad, allocation
from tasktracker_cluster.agents import credentials
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import JobFailedError, NotReadyError
from tasktracker_cluster.jobs import passwords, signing_keys
from tasktracker_cluster.jobs.signing_keys import SERVICES
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.topology import SIGNER

OTHERS = [service for service in SERVICES if service != SIGNER]

# Stands for `nomad job run -detach FILE`: tells the server of the test.
SUBMIT = """#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port}
service=$(basename "${{@: -1}}" .nomad.hcl)
printf 'PUT /submit/%s?keys=%s&instances=%s HTTP/1.0\\r\\n\\r\\n' \\
    "$service" "$NOMAD_VAR_signing_keys" "$NOMAD_VAR_instances" >&3
cat <&3
"""


def path(service: str) -> str:
    return f"nomad/jobs/{service}/api/app"


def keys(items: dict[str, str]) -> list[str]:
    """Return the names of the public keys that a service accepts, in their order."""
    return [key["kid"] for key in json.loads(items["jwt_public_keys"])["keys"]]


@pytest.fixture
def cluster(cluster: Cluster, nomad: Nomad) -> Cluster:
    """Return a cluster whose databases have passwords, with a release that can make keys."""
    passwords.make(cluster)
    install_release(cluster.site)
    return cluster


def test_new_services_verify_with_the_public_key_and_only_the_signer_has_the_private_one(
    cluster: Cluster, nomad: Nomad
) -> None:
    signing_keys.make(cluster)
    assert "PRIVATE KEY" in nomad.variables[path(SIGNER)]["jwt_private_key"]
    accepted = {tuple(keys(nomad.variables[path(service)])) for service in SERVICES}
    assert accepted == {tuple(keys(nomad.variables[path(SIGNER)]))}
    assert not [name for name in OTHERS if "jwt_private_key" in nomad.variables[path(name)]]


def test_existing_keys_are_kept(cluster: Cluster, nomad: Nomad) -> None:
    signing_keys.make(cluster)
    before, name = dict(nomad.variables), signing_keys.name(cluster)
    signing_keys.make(cluster)
    assert nomad.variables == before
    assert signing_keys.name(cluster) == name


def test_a_service_that_lacks_the_keys_gets_those_of_the_others(
    cluster: Cluster, nomad: Nomad
) -> None:
    signing_keys.make(cluster)
    nomad.write(path(OTHERS[0]), {"database_password": "kept"})
    signing_keys.make(cluster)
    items = nomad.variables[path(OTHERS[0])]
    assert items["database_password"] == "kept"
    assert keys(items) == keys(nomad.variables[path(SIGNER)])


def test_the_shared_secret_of_an_earlier_version_is_removed(cluster: Cluster, nomad: Nomad) -> None:
    for service in SERVICES:
        nomad.write(path(service), {"secret_key": "s", "previous_secret_key": "p", "other": "o"})
    signing_keys.make(cluster)
    for service in SERVICES:
        items = nomad.variables[path(service)].keys()
        assert not items & {"secret_key", "previous_secret_key"}
        assert "other" in items


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="rotate-key needs root")


@dataclass(frozen=True)
class Deployment:
    """What a service was deployed with: the name of the keys, and all variables at that moment."""

    service: str
    keys: str
    instances: str
    variables: dict[str, dict[str, str]]


@dataclass
class Deployments:
    """Everything that was submitted, in order: deployed at once, but for what is in `failing`.

    An instance of the version before runs on for the first two looks at the allocations.
    """

    nomad: Nomad
    seen: list[Deployment] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    still_running: dict[str, bool] = field(default_factory=dict)  # the version before
    overlapping: set[str] = field(default_factory=set)  # ran two old versions, or more

    def __call__(self, request: Request) -> object:
        service = request.path.rpartition("/")[2]
        variables = {path: dict(items) for path, items in self.nomad.variables.items()}
        self.overlapping |= {name for name, runs in self.still_running.items() if runs}
        query = request.query
        self.seen.append(Deployment(service, query["keys"], query["instances"], variables))
        version = len(self.seen)
        status = "failed" if service in self.failing else "successful"
        self.nomad.has_job(service, version=version, Status=status)
        looks = iter(("running", "running"))

        def look(request: Request) -> object:
            old = allocation(status=next(looks, "complete"), version=version - 1)
            self.still_running[service] = old["ClientStatus"] == "running"
            return [old, allocation(version=version)]

        self.nomad.answers[f"/v1/job/{service}/allocations"] = look
        return {}


@pytest.fixture
def deployments(cluster: Cluster, nomad: Nomad) -> Deployments:
    """Make a running cluster with keys, whose program `nomad` tells what it is asked to run."""
    credentials.create(cluster.site)
    cluster.site.owner_file.write_text(f'{{"checkout": "{cluster.site.checkout}"}}')
    cluster.site.bin.mkdir()
    program = cluster.site.bin / "nomad"
    program.write_text(SUBMIT.format(port=nomad.port))
    program.chmod(0o755)
    deployments = Deployments(nomad)
    for service in SERVICES:
        nomad.answers[f"/submit/{service}"] = deployments
    signing_keys.make(cluster)
    return deployments


def rotate(cluster: Cluster) -> None:
    signing_keys.rotate(cluster, Steps(Console(quiet=True)))


@only_root
def test_every_service_accepts_the_new_key_before_any_signs_with_it(
    cluster: Cluster, nomad: Nomad, deployments: Deployments
) -> None:
    before = nomad.variables[path(SIGNER)]
    (old,) = keys(before)

    rotate(cluster)

    new, _ = keys(nomad.variables[path(SIGNER)])
    first, second = deployments.seen[: len(SERVICES)], deployments.seen[len(SERVICES) :]
    for rolled, accepted in ((first, [old, new]), (second, [new, old])):
        assert [each.service for each in rolled] == list(SERVICES)
        for each in rolled:
            for service in SERVICES:
                assert keys(each.variables[path(service)]) == accepted
    private = before["jwt_private_key"]
    assert {each.variables[path(SIGNER)]["jwt_private_key"] == private for each in first} == {True}
    assert {each.variables[path(SIGNER)]["jwt_private_key"] == private for each in second} == {
        False
    }


@only_root
def test_each_round_of_a_rotation_is_another_version_of_the_jobs(
    cluster: Cluster, deployments: Deployments
) -> None:
    before = signing_keys.name(cluster)
    rotate(cluster)
    first, second = ({each.keys for each in deployments.seen[:3]},
                     {each.keys for each in deployments.seen[3:]})  # fmt: skip
    assert len(first) == len(second) == len(first | second | {before}) - 2 == 1
    assert second == {signing_keys.name(cluster)}


@only_root
def test_a_rotation_keeps_the_number_of_instances(
    cluster: Cluster, nomad: Nomad, deployments: Deployments
) -> None:
    nomad.answers[f"/v1/job/{SIGNER}"] = {"TaskGroups": [{"Count": 2}]}
    rotate(cluster)
    assert {each.instances for each in deployments.seen[: len(SERVICES)]} == {"2"}


@only_root
def test_no_round_begins_or_ends_while_an_instance_of_the_version_before_runs(
    cluster: Cluster, deployments: Deployments
) -> None:
    rotate(cluster)
    assert deployments.overlapping == set()
    assert deployments.still_running == dict.fromkeys(SERVICES, False)


@only_root
def test_the_key_before_the_previous_one_is_removed(
    cluster: Cluster, nomad: Nomad, deployments: Deployments
) -> None:
    (oldest,) = keys(nomad.variables[path(SIGNER)])
    rotate(cluster)
    last, _ = keys(nomad.variables[path(SIGNER)])
    rotate(cluster)
    _, previous = accepted = keys(nomad.variables[path(SIGNER)])
    assert previous == last
    assert oldest not in accepted


@only_root
def test_a_service_that_does_not_take_the_new_key_ends_it_before_anything_is_signed(
    cluster: Cluster, nomad: Nomad, deployments: Deployments
) -> None:
    before = nomad.variables[path(SIGNER)]
    deployments.failing = {OTHERS[-1]}
    with pytest.raises(JobFailedError, match=OTHERS[-1]):
        rotate(cluster)
    after = nomad.variables[path(SIGNER)]
    assert after["jwt_private_key"] == before["jwt_private_key"]
    assert keys(after)[0] == keys(before)[0]


@only_root
def test_without_a_cluster_nothing_is_rotated(cluster: Cluster, nomad: Nomad) -> None:
    before = len(nomad.written)
    with pytest.raises(NotReadyError, match="no cluster"):
        rotate(cluster)
    assert len(nomad.written) == before
