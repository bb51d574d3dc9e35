"""The running cluster of this machine, as one object that a command makes once."""

from base64 import b64encode
from functools import cached_property

from tasktracker_cluster.agents import consul, credentials, nomad, variables
from tasktracker_cluster.agents.api import PATIENCE_SECONDS, Api
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.site import (
    ALERTS_URL,
    GATEWAY_URL,
    LOGS_URL,
    METRICS_URL,
    TRACES_URL,
    TRAEFIK_URL,
    Site,
)
from tasktracker_cluster.topology import LOGS

LOGS_PASSWORD = f"nomad/jobs/{LOGS}/store/victoria-logs"


class Cluster:
    """A cluster: its site, its tokens, and a client for each of its APIs.

    Each is made on first use: not every command needs all of them, and in a broken cluster each may
    be missing. `timeout` is in seconds, for one response of an API. `patience` is, too: a request
    waits for so long while the servers elect a leader.
    """

    def __init__(self, site: Site, timeout: float = 10, patience: float = PATIENCE_SECONDS) -> None:
        self.site = site
        self._timeout = timeout
        self._patience = patience

    @classmethod
    def from_environment(cls, timeout: float = 10) -> "Cluster":
        """Return the cluster of TASKTRACKER_HOME. Raises what Site.from_environment does."""
        return cls(Site.from_environment(), timeout)

    @classmethod
    def at_once(cls, timeout: float = 10) -> "Cluster":
        """Return the same without patience, for commands that tell how the cluster is."""
        return cls(Site.from_environment(), timeout, patience=0)

    def anew(self) -> "Cluster":
        """Return the same cluster with its tokens and certificates as their files are now."""
        return Cluster(self.site, self._timeout, self._patience)

    @cached_property
    def tokens(self) -> Tokens:
        """The cluster's own tokens.

        Raises StaleStateError when a file is missing, NotRootError when it cannot be read.
        """
        return credentials.load(self.site)

    @cached_property
    def consul(self) -> Api:
        """Consul's API, with the management token, or the agent's on a machine that has joined."""
        token = self.tokens.consul_management or self.tokens.consul_agent
        return consul.api(self.site, token, self._timeout, self._patience)

    @cached_property
    def nomad(self) -> Api:
        """Nomad's API, with the management token, or none on a machine that has joined."""
        return nomad.api(self.site, self.tokens.nomad_management, self._timeout, self._patience)

    @cached_property
    def has_several_nodes(self) -> bool:
        """Whether reports must say on which node something is. Raises ApiError without Nomad."""
        return len({node.name for node in nomad.nodes(self.nomad)}) > 1

    @cached_property
    def gateway(self) -> Api:
        """The public API at the gateway, without a token."""
        return Api("the gateway", GATEWAY_URL, {}, self._timeout)

    @cached_property
    def traefik(self) -> Api:
        """Traefik's own API, beside its dashboard."""
        return Api("Traefik", TRAEFIK_URL, {}, self._timeout)

    @cached_property
    def metrics(self) -> Api:
        """VictoriaMetrics, which answers after `observe` only, as the next one."""
        return Api("VictoriaMetrics", METRICS_URL, {}, self._timeout)

    @cached_property
    def alerts(self) -> Api:
        """vmalert, which compares the metrics with the rules of alerts."""
        return Api("vmalert", ALERTS_URL, {}, self._timeout)

    @cached_property
    def traces(self) -> Api:
        """Jaeger, which answers after `observe --traces` only."""
        return Api("Jaeger", TRACES_URL, {}, self._timeout)

    @cached_property
    def logs(self) -> Api:
        """VictoriaLogs, after `observe`. Raises ApiError when it has no password."""
        password = variables.read(self.nomad, LOGS_PASSWORD)["password"]
        login = b64encode(f"operator:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        return Api("VictoriaLogs", LOGS_URL, headers, self._timeout)
