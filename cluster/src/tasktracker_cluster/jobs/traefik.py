"""What Traefik shows to Consul's API: a certificate of its own, in files of its own user."""

from datetime import datetime
from pathlib import Path

from tasktracker_cluster.agents import certificates
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.jobs import deployment
from tasktracker_cluster.site import Site

USER = "tasktracker-traefik"


def render(site: Site) -> None:
    """Write the certificate, its key and the authority; another certificate when it is due."""
    certificates.hand_over(site, certificates.TRAEFIK, folder(site), USER)


def restart_outdated(site: Site, nomad: Api) -> None:
    """Restart a Traefik that started before its certificate was made: it reads that once."""
    made = (folder(site) / "certificate.pem").stat().st_mtime
    for allocation in deployment.running(nomad, "traefik"):
        started = ((allocation["TaskStates"] or {}).get("traefik") or {}).get("StartedAt")
        if started and datetime.fromisoformat(started).timestamp() < made:
            path = f"/v1/client/allocation/{allocation['ID']}/restart"
            nomad.call("PUT", path, {"TaskName": "traefik"})


def folder(site: Site) -> Path:
    return site.home / "traefik"
