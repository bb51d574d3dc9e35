"""Traefik in the cluster and in ./just dev: where its configurations differ, and nowhere else."""

from collections.abc import Iterator
from typing import Any

import yaml

from tests.infra.reading import ROOT

DIFFERENT = {
    # In the cluster Nomad keeps the logs, which programs read; in ./just dev a person does.
    "log.format",
    "accessLog.format",
    "accessLog.filters.statusCodes",
    "accessLog.fields.headers.defaultMode",
    # In the cluster another dynamic.yml is a new version of the job.
    "providers.file.watch",
    # In the cluster services are reached through the mesh, whose sidecars have the time-out.
    "providers.consulCatalog.serviceName",
    "providers.consulCatalog.connectAware",
    "providers.consulCatalog.connectByDefault",
    "serversTransport.forwardingTimeouts.responseHeaderTimeout",
    # In the cluster Consul answers only who shows a certificate.
    "providers.consulCatalog.endpoint.address",
    "providers.consulCatalog.endpoint.scheme",
    "providers.consulCatalog.endpoint.tls.ca",
    "providers.consulCatalog.endpoint.tls.cert",
    "providers.consulCatalog.endpoint.tls.key",
}


def values(settings: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value below `settings`, with its path in dots."""
    if isinstance(settings, dict) and settings:
        for name, value in settings.items():
            yield from values(value, f"{path}.{name}".removeprefix("."))
    else:
        yield path, settings


def read(name: str) -> dict[str, Any]:
    text = (ROOT / "traefik" / name).read_text()
    for placeholder, value in {"bind": "127.0.0.1", "home": "/var/lib/tasktracker"}.items():
        text = text.replace(f'[[ env "meta.tasktracker.{placeholder}" ]]', value)
    assert "[[ " not in text
    return dict(values(yaml.safe_load(text)))


def test_the_gateways_of_dev_and_of_the_cluster_differ_in_mesh_and_logs_only() -> None:
    cluster, dev = read("traefik.yml.tmpl"), read("dev.yml")
    absent = object()
    differing = {
        path for path in cluster | dev if cluster.get(path, absent) != dev.get(path, absent)
    }
    assert differing == DIFFERENT
