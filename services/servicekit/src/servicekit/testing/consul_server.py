"""A real Consul agent for tests, on loopback, that stores nothing."""

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import httpx
from pydantic import HttpUrl

from servicekit.testing.waiting import eventually

START_LIMIT = 120  # seconds, for a busy machine
_OFF = {"serf_wan": -1, "grpc": -1, "grpc_tls": -1, "dns": -1}


class ConsulServer:
    """An agent run by `program`, with its files in `folder`.

    `token` is the management token of an agent that refuses calls without one. None means no ACL.
    """

    def __init__(self, program: Path, folder: Path, token: str | None = None) -> None:
        ports = dict(zip(("http", "server", "serf_lan"), _free_ports(3), strict=True))
        configuration: dict[str, Any] = {"ports": ports | _OFF, "disable_update_check": True}
        if token:
            configuration["acl"] = {
                "enabled": True,
                "default_policy": "deny",
                "tokens": {"initial_management": token},
            }
        file = folder / "consul.json"
        file.write_text(json.dumps(configuration))
        self.url = HttpUrl(f"http://127.0.0.1:{ports['http']}")
        self._command: list[str | Path] = [program, "agent", "-dev", "-config-file", file]
        self._log = folder / "consul.log"
        headers = {"X-Consul-Token": token} if token else {}
        self._http = httpx.Client(base_url=str(self.url), headers=headers, timeout=60)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("a") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        eventually(self._leads, START_LIMIT)

    def kill(self) -> None:
        """End it as kill -9 does."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Kill it, and close the connection to it."""
        self.kill()
        self._http.close()

    def entries(self) -> dict[str, Any]:
        """Return the agent's services by their ids."""
        entries: dict[str, Any] = self._get("agent/services")
        return entries

    def passing(self, name: str) -> set[str]:
        """Return the ids of the service's healthy instances."""
        return {each["Service"]["ID"] for each in self._get(f"health/service/{name}?passing")}

    def _leads(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()  # noqa: S101 - only for tests
        try:
            self.entries()  # with tokens, this fails until the agent knows them
            return bool(self._get("status/leader"))
        except httpx.HTTPError:
            return False

    def _get(self, path: str) -> Any:
        return self._http.get(f"/v1/{path}").raise_for_status().json()


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
