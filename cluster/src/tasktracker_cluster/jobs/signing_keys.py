"""The keys of access tokens: the user service signs with a private one, every service checks.

`jwt_private_key` is in the user service's variable alone. `jwt_public_keys`, a JWK Set, is in that
of each service: first the key that signs, then the one before it.

A rotation takes two rolling deployments. After the first every instance of every service accepts
the new key; only then does any sign with it. So nobody is ever asked for a token that it refuses.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any

from tasktracker_cluster import topology
from tasktracker_cluster.agents import ownership, variables
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.cluster import Cluster
from tasktracker_cluster.errors import NotReadyError
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.machine import preflight, shell
from tasktracker_cluster.progress import Steps
from tasktracker_cluster.releases import installed
from tasktracker_cluster.site import NOMAD_PAGE, Site
from tasktracker_cluster.topology import SIGNER

SERVICES = tuple(service.name for service in topology.SERVICES if service.checks_tokens)
# Of clusters whose services shared a secret. Who holds it could sign for everybody.
_SHARED = ("secret_key", "previous_secret_key")

Jwk = Mapping[str, Any]


def make(cluster: Cluster) -> None:
    """Give each service its keys, unless it has them, and take the shared secret of before away."""
    held = variables.read(cluster.nomad, _path(SIGNER))
    if "jwt_private_key" not in held:
        private, public = _generate(cluster.site)
        _change(cluster, SIGNER, {"jwt_private_key": private, "jwt_public_keys": _set(public)})
    public_keys = _public_keys(cluster)
    for service in SERVICES:
        if "jwt_public_keys" not in variables.find(cluster.nomad, _path(service)):
            _change(cluster, service, {"jwt_public_keys": public_keys})


def rotate(cluster: Cluster, steps: Steps) -> None:
    """Sign with a new key from now on; what the key until now has signed stays valid.

    What the key before that one has signed is refused. A rotation that was interrupted is repeated
    as a whole. Raises NotReadyError without a cluster, and JobFailedError before anything was
    signed where a service does not take the new key.
    """
    preflight.must_be_root("rotate-key")
    ownership.must_own(cluster.site)
    if ownership.owner(cluster.site) is None:
        raise NotReadyError("There is no cluster on this machine.", "Start one with: ./just up")
    with ownership.alone(cluster.site):
        old, *_ = json.loads(_public_keys(cluster))["keys"]
        private, new = _generate(cluster.site)
        with steps.step("every service accepts the new key"):
            _deploy(cluster, {}, _set(old, new))
        with steps.step("every service has the new key, and the old one as its previous"):
            _deploy(cluster, {"jwt_private_key": private}, _set(new, old))


def name(cluster: Cluster) -> str:
    """A name for the keys that the services should have. Another name, another version."""
    return hashlib.sha256(_public_keys(cluster).encode()).hexdigest()[:16]


def deployed() -> str:
    """The name that the running user service was deployed with; empty while there is none."""
    api = Api("Nomad", NOMAD_PAGE, {})  # anybody may look
    job = api.find(f"/v1/job/{SIGNER}") if api.answers("/v1/status/leader") else None
    return str(((job or {}).get("Meta") or {}).get("signing_keys", ""))


def _public_keys(cluster: Cluster) -> str:
    return variables.read(cluster.nomad, _path(SIGNER))["jwt_public_keys"]


def _generate(site: Site) -> tuple[str, Jwk]:
    """A new pair, as the program that will use it wants it."""
    pair = json.loads(shell.run([site.release / "bin" / "python", "-m", "servicekit.keys"]))
    return pair["private"], pair["public"]


def _set(*keys: Jwk) -> str:
    return json.dumps({"keys": keys})


def _path(service: str) -> str:
    return f"nomad/jobs/{service}/api/app"


def _change(cluster: Cluster, service: str, items: Mapping[str, str]) -> None:
    variables.change(cluster.nomad, _path(service), items, without=_SHARED)


def _deploy(cluster: Cluster, signer: Mapping[str, str], public_keys: str) -> None:
    for service in SERVICES:
        own = signer if service == SIGNER else {}
        _change(cluster, service, {**own, "jwt_public_keys": public_keys})
    since = time.time()
    facts = {"release": installed.current(cluster.site), "signing_keys": name(cluster)}
    for service in SERVICES:
        deployment.submit(cluster, service, facts)
    for service in SERVICES:
        deployment.wait_healthy(cluster, service, since)
