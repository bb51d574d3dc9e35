"""The keys of access tokens: the user service signs with the private key, every service verifies.

Only the user service's variable has `jwt_private_key`. The variable of each service has
`jwt_public_keys`, a JWK Set: first the key that signs now, then the previous one.

A rotation takes two rolling deployments. After the first one every instance of every service
accepts the new key. Only the second one makes the user service sign with it. So no service ever
gets a token that it must refuse.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tasktracker_cluster import topology
from tasktracker_cluster.agents import nomad, ownership, variables
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.jobs import deployment, numbers, passwords, placement, tracing
from tasktracker_cluster.machine import preflight, shell
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.site import Site
from tasktracker_cluster.topology import SIGNER

SERVICES = tuple(service.name for service in topology.SERVICES if service.checks_tokens)
# Earlier versions shared a secret between the services: each of them could sign for every user.
_SHARED_SECRETS = ("secret_key", "previous_secret_key")

Jwk = Mapping[str, Any]


def make(cluster: Cluster) -> None:
    """Give each service its keys unless it has them, and remove an earlier version's secret."""
    items = variables.read(cluster.nomad, _path(SIGNER))
    if "jwt_private_key" not in items:
        private, public = _generate(cluster.site)
        _change(cluster, SIGNER, {"jwt_private_key": private, "jwt_public_keys": _jwk_set(public)})
    public_keys = _public_keys(cluster)
    for service in SERVICES:
        if "jwt_public_keys" not in variables.find(cluster.nomad, _path(service)):
            _change(cluster, service, {"jwt_public_keys": public_keys})


def rotate(cluster: Cluster, steps: Steps) -> None:
    """Sign with a new key from now on. Tokens of the present key stay valid.

    Tokens of the key before it become invalid. Repeat an interrupted rotation as a whole. Raises
    NotReadyError when there is no cluster, and JobFailedError when a service does not start with
    the new key: then no token has been signed with it.
    """
    preflight.must_be_root("rotate signing-key")
    preflight.must_be_first(cluster.site, "./just rotate signing-key")
    ownership.must_own(cluster.site)
    if ownership.owner(cluster.site) is None:
        raise NotReadyError("There is no cluster on this machine.", "Start one with: ./just up")
    with ownership.locked(cluster.site):
        old, *_ = json.loads(_public_keys(cluster))["keys"]
        private, new = _generate(cluster.site)
        with steps.step("every service accepts the new key"):
            _deploy(cluster, {}, _jwk_set(old, new))
        with steps.step("the user service signs with the new key"):
            _deploy(cluster, {"jwt_private_key": private}, _jwk_set(new, old))
        placement.spread_out(cluster)


def name(cluster: Cluster) -> str:
    """Return a name for the configured keys. Another name makes another version of the job."""
    return hashlib.sha256(_public_keys(cluster).encode()).hexdigest()[:16]


def job_variables(cluster: Cluster, release: str) -> dict[str, str]:
    """Return the variables of the job files, for a release."""
    return {
        "release": release,
        "signing_keys": name(cluster),
        "database_logins": passwords.name(cluster),
        "network": cluster.site.node.first_address,
        "members": str(numbers.count(cluster.consul)),
        **tracing.job_variables(cluster),
    }


def present_variables(cluster: Cluster) -> dict[str, str]:
    """Return them for the release and the number of instances that there are now."""
    return {
        **job_variables(cluster, installed.current(cluster.site)),
        "instances": str(placement.present(cluster.nomad)),
    }


def deployed() -> str:
    """Return the name of the keys of the running user service, empty when there is none."""
    return nomad.meta(nomad.public_job(SIGNER)).get("signing_keys", "")


def wait_replaced(cluster: Cluster) -> None:
    """Wait until no instance with other keys answers: it would sign with, and accept, those.

    Raises NotReadyError.
    """
    for service in SERVICES:
        deployment.wait_replaced(cluster, service)


def _public_keys(cluster: Cluster) -> str:
    return variables.read(cluster.nomad, _path(SIGNER))["jwt_public_keys"]


def _generate(site: Site) -> tuple[str, Jwk]:
    """Return a new private key (PEM) and public key, made by the program that will use them."""
    pair = json.loads(shell.run([site.release / "bin" / "python", "-m", "servicekit.keys"]))
    return pair["private"], pair["public"]


def _jwk_set(*keys: Jwk) -> str:
    return json.dumps({"keys": keys})


def _path(service: str) -> str:
    return f"nomad/jobs/{service}/api/app"


def _change(cluster: Cluster, service: str, items: Mapping[str, str]) -> None:
    variables.change(cluster.nomad, _path(service), items, without=_SHARED_SECRETS)


def _deploy(cluster: Cluster, signer: Mapping[str, str], public_keys: str) -> None:
    for service in SERVICES:
        own = signer if service == SIGNER else {}
        _change(cluster, service, {**own, "jwt_public_keys": public_keys})
    deployment.roll(cluster, SERVICES, present_variables(cluster))
