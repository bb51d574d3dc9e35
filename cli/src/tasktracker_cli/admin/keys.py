"""The keys of access tokens: `secret_key` signs, and tokens of `previous_secret_key` count too.

A rotation takes two rolling deployments. After the first every instance of every service accepts
the new key; only then does any sign with it. So nobody is ever asked for a token that it refuses.
"""

import hashlib
import time
from collections.abc import Mapping

from tasktracker_cli.admin import credentials, jobs, nomad, preflight, release
from tasktracker_cli.admin.api import Api
from tasktracker_cli.admin.errors import NotReadyError
from tasktracker_cli.admin.progress import Steps
from tasktracker_cli.admin.site import NOMAD_PAGE, Site

SERVICES = ("user-service", "task-service", "stats-service")


def rotate(site: Site, steps: Steps) -> None:
    """Sign with a new key from now on; what the key until now has signed stays valid.

    What the key before that one has signed is refused. A rotation that was interrupted is repeated
    as a whole. Raises NotReadyError without a cluster, and JobFailedError before anything was
    signed where a service does not take the new key.
    """
    preflight.must_be_root("rotate-key")
    preflight.must_own(site)
    if preflight.owner(site) is None:
        raise NotReadyError("There is no cluster on this machine.", "Start one with: ./just up")
    with preflight.alone(site):
        api = nomad.api(site, credentials.load(site).nomad_management)
        old, new = nomad.read_variable(api, _path("user-service"))["secret_key"], nomad.new_secret()
        with steps.step("every service accepts the new key"):
            _deploy(site, api, {"secret_key": old, "previous_secret_key": new})
        with steps.step("every service has the new key, and the old one as its previous"):
            _deploy(site, api, {"secret_key": new, "previous_secret_key": old})


def name(api: Api) -> str:
    """A public name for the keys that the services should have. Another name, another version."""
    known = nomad.read_variable(api, _path("user-service"))
    both = f"{known['secret_key']} {known.get('previous_secret_key', '')}"
    return hashlib.sha256(both.encode()).hexdigest()[:16]


def deployed() -> str:
    """The name that the running user service was deployed with; empty while there is none."""
    api = Api("Nomad", NOMAD_PAGE, {})  # anybody may look
    job = api.find(f"/v1/job/{SERVICES[0]}") if api.answers("/v1/status/leader") else None
    return str(((job or {}).get("Meta") or {}).get("signing_keys", ""))


def _path(service: str) -> str:
    return f"nomad/jobs/{service}/api/app"


def _deploy(site: Site, api: Api, pair: Mapping[str, str]) -> None:
    for service in SERVICES:
        nomad.change_variable(api, _path(service), pair)
    since = time.time()
    variables = {"release": release.current(site), "signing_keys": name(api)}
    for service in SERVICES:
        jobs.submit(site, service, variables)
    for service in SERVICES:
        jobs.wait_healthy(api, service, since)
