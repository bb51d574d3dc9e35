"""The set-up of Consul: ACL policies and tokens, and the mesh's configuration entries."""

import json
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tasktracker_cluster.agents import certificates, credentials, programs
from tasktracker_cluster.agents.api import Api
from tasktracker_cluster.agents.credentials import Tokens
from tasktracker_cluster.machine import shell
from tasktracker_cluster.site import CONSUL_URL, Site
from tasktracker_cluster.topology import DATABASES

# Consul's own name for the token in the configuration of its server.
MANAGEMENT = "Initial Management Token"

# What makes sidecars send spans, and the files below consul/tracing.
_TRACING = {
    "envoy_extra_static_clusters_json": "receiver.json",
    "envoy_listener_tracing_json": "listeners.json",
}

ANONYMOUS = "00000000-0000-0000-0000-000000000002"


def api(site: Site, token: str, timeout: float = 10, patience: float = 0) -> Api:
    """Return a client for this machine's Consul agent. `timeout` and `patience` are in seconds."""
    headers = {"X-Consul-Token": token}
    return Api("Consul", CONSUL_URL, headers, timeout, certificates.client(site), patience)


def environment(site: Site) -> dict[str, str]:
    """Return the variables that give the program `consul` its address and a token.

    It is the management token, or the agent's on a machine that has joined.
    """
    token = "consul_management" if site.node.is_first else "consul_agent"
    return {
        "CONSUL_HTTP_ADDR": CONSUL_URL,
        "CONSUL_HTTP_TOKEN_FILE": str(credentials.path(site, token)),
        **certificates.environment(site, "CONSUL"),
    }


def has_leader(consul: Api) -> bool:
    """Return whether the servers have elected a leader that answers."""
    return consul.answers("/v1/status/leader") and consul.answers("/v1/acl/token/self")


def forget_services(site: Site) -> None:
    """Delete what the stopped agent keeps of this machine's services, of which none runs now.

    A starting agent believes each healthy until its check has failed, and tells the others.
    """
    for kept in ("services", "checks"):
        folder = site.home / "consul" / kept
        if folder.exists():
            shutil.rmtree(folder)


def set_up_acl(site: Site, consul: Api, tokens: Tokens) -> None:
    """Write the policies and tokens of the agent, of Nomad and of anonymous callers."""
    databases = [database.name for database in DATABASES]
    for name in ("anonymous", "member", "metrics", "nomad-agent", *databases):
        _set_policy(site, consul, name)
    _set_token(consul, ANONYMOUS, Policies=[{"Name": "anonymous"}])
    of_agents = grants(site)
    for name in ("consul_agent", "consul_nomad"):
        _make_token(site, consul, getattr(tokens, name), of_agents[name])


def grants(site: Site) -> dict[str, dict[str, object]]:
    """Return what each token of the first machine may do, by its name in Tokens."""
    identity = {"NodeName": site.node.name, "Datacenter": "dc1"}
    return {
        "consul_management": {
            "Description": MANAGEMENT,
            "Policies": [{"Name": "global-management"}],
        },
        "consul_agent": {"Description": "the Consul agent itself", "NodeIdentities": [identity]},
        "consul_nomad": {"Description": "the Nomad agent", "Policies": [{"Name": "nomad-agent"}]},
    }


def trust_nomad(site: Site, consul: Api) -> None:
    """Let Nomad's workload identities log in. Nomad must be up: Consul fetches its public keys."""
    method = json.loads((site.checkout / "consul/acl/nomad-workloads.json").read_text())
    method["Config"]["JWKSCACert"] = certificates.trusted(site)
    known = consul.find(f"/v1/acl/auth-method/{method['Name']}")
    if known is None:
        consul.call("PUT", "/v1/acl/auth-method", method)
    elif known["Config"] != method["Config"]:
        consul.call("PUT", f"/v1/acl/auth-method/{method['Name']}", method)
    rules = {r["Description"]: r for r in consul.call("GET", "/v1/acl/binding-rules")}
    for rule in json.loads((site.checkout / "consul/acl/binding-rules.json").read_text()):
        old = rules.get(rule["Description"])
        if old is None:
            consul.call("PUT", "/v1/acl/binding-rule", rule)
        elif any(old.get(key) != value for key, value in rule.items()):
            consul.call("PUT", f"/v1/acl/binding-rule/{old['ID']}", rule)


def apply_config_entries(site: Site) -> int:
    """Write every file below consul/config-entries, and return how many there are.

    Those below consul/member-entries are only for a cluster that machines can join.
    """
    folders = ("config-entries", *(["member-entries"] if site.node.is_advertised else []))
    entries = sorted(
        file for name in folders for file in (site.checkout / "consul" / name).rglob("*.hcl")
    )
    variables = environment(site)

    def write(entry: object) -> None:
        words = [str(site.bin / "consul"), "config", "write", str(entry)]
        programs.run_patiently(partial(shell.run, words, env=variables))

    # proxy-defaults and service-defaults come first: an intention with HTTP rules needs their
    # protocol. The name of a member leads to a subset of its service, which must be known.
    with ThreadPoolExecutor(4) as pool:
        for turn in range(3):
            list(pool.map(write, [entry for entry in entries if _turn(entry) == turn]))
    return len(entries)


def delete_config_entries(consul: Api, service: str) -> None:
    """Delete those that an earlier version has written for a service. Raises ApiError."""
    for kind in ("service-intentions", "service-defaults"):  # an intention needs the protocol
        entry = f"/v1/config/{kind}/{service}"
        if consul.find(entry) is not None:
            consul.call("DELETE", entry)


def trace(site: Site, consul: Api, *, on: bool) -> None:
    """Have sidecars send spans of the requests that are traced, or no longer.

    It works at once in sidecars that were made while it was on: the receiver is in the file that
    they start with.
    """
    entry = consul.call("GET", "/v1/config/proxy-defaults/global")
    folder = site.checkout / "consul" / "tracing"
    changed = {name: value for name, value in entry["Config"].items() if name not in _TRACING}
    if on:
        changed |= {name: (folder / file).read_text() for name, file in _TRACING.items()}
    if changed != entry["Config"]:
        consul.call("PUT", "/v1/config", {**entry, "Config": changed})


def _turn(entry: Path) -> int:
    if entry.parent.name == "service-intentions":
        return 2
    return int(bool(re.search(r"-m\d$", entry.stem)))


def _set_policy(site: Site, consul: Api, name: str) -> None:
    rules = (site.checkout / "consul" / "acl" / f"{name}.hcl").read_text()
    known = consul.find(f"/v1/acl/policy/name/{name}")
    if known is None:
        consul.call("PUT", "/v1/acl/policy", {"Name": name, "Rules": rules})
    elif known["Rules"] != rules:
        consul.call("PUT", f"/v1/acl/policy/{known['ID']}", {"Name": name, "Rules": rules})


def _make_token(site: Site, consul: Api, secret: str, granted: Mapping[str, object]) -> None:
    # The token itself is used to ask for it: its accessor is not stored anywhere.
    if not api(site, secret).answers("/v1/acl/token/self"):
        consul.call("PUT", "/v1/acl/token", {"SecretID": secret, **granted})


def _set_token(consul: Api, accessor: str, **grants: object) -> None:
    known = consul.call("GET", f"/v1/acl/token/{accessor}")
    if not known.get("Policies"):
        consul.call("PUT", f"/v1/acl/token/{accessor}", {**known, **grants})
