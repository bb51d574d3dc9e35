"""The figures of the mesh in Consul's page: the agent gets them from the store of metrics."""

from contextlib import suppress

from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.errors import ApiError
from tasktracker_cluster.machine import files
from tasktracker_cluster.site import Site

FILE = "metrics.hcl"


def show(site: Site, consul: Api) -> None:
    """Let Consul's page show figures from now on. Raises ApiError."""
    text = (site.checkout / "consul" / "agent" / FILE).read_text()
    if files.write(site.agent / "consul" / FILE, text):
        consul.call("PUT", "/v1/agent/reload")


def hide(site: Site, consul: Api) -> None:
    """Let Consul's page show no figures any more. An agent that is away reads it when it starts."""
    file = site.agent / "consul" / FILE
    if file.exists():
        file.unlink()
        with suppress(ApiError):
            consul.call("PUT", "/v1/agent/reload")


def files_of(site: Site, agent: str) -> list[str]:
    """Return the names of the configuration files of an agent that show figures now."""
    return [FILE] if (site.agent / agent / FILE).exists() else []
