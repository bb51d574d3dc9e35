"""Traefik's configurations in the cluster and in ./just dev differ only in the listed settings."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.infra.reading import ROOT

DIFFERENT = {
    # In the cluster programs read the logs. In ./just dev a developer does.
    "log.format",
    "accessLog.format",
    "accessLog.filters.statusCodes",
    "accessLog.fields.headers.defaultMode",
    "accessLog.fields.headers.names.X-Request-ID",
    # In the cluster Nomad renders the routes to services, into a second file.
    "providers.file.directory",
    "providers.file.filename",
    "providers.consulCatalog.constraints",
    "providers.consulCatalog.defaultRule",
    "providers.consulCatalog.endpoint.address",
    "providers.consulCatalog.exposedByDefault",
    "providers.consulCatalog.refreshInterval",
    "providers.consulCatalog.strictChecks",
    "providers.consulCatalog.watch",
    # In the cluster services are in the mesh, and their sidecars have the time-out.
    "serversTransport.forwardingTimeouts.responseHeaderTimeout",
}


def values(settings: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value below `settings`, with its path separated by dots."""
    if isinstance(settings, dict) and settings:
        for name, value in settings.items():
            yield from values(value, f"{path}.{name}".removeprefix("."))
    else:
        yield path, settings


def read(name: str) -> dict[str, Any]:
    text = (ROOT / "traefik" / name).read_text()
    for placeholder, value in {"bind": "127.0.0.1", "home": "/var/lib/tasktracker"}.items():
        text = text.replace(f'[[ env "meta.tasktracker.{placeholder}" ]]', value)
    # Without traces, which ./just dev has not.
    text = re.sub(r'(?s)# \[\[ with env "TRACES_URL" \]\].*?# \[\[ end \]\]', "", text)
    assert "[[ " not in text
    return dict(values(yaml.safe_load(text)))


def test_the_gateways_of_dev_and_of_the_cluster_differ_in_mesh_and_logs_only() -> None:
    cluster, dev = read("traefik.yml.tmpl"), read("dev.yml")
    absent = object()
    differing = {
        path for path in cluster | dev if cluster.get(path, absent) != dev.get(path, absent)
    }
    assert differing == DIFFERENT
