"""Rogue agents, started by another user of the machine with a folder of its own."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasktracker_cluster.testing.throwaway import ThrowawayCluster

UID = 65533  # of no user
NAME = "rogue"

# On loopback, different from the cluster's own ports.
CONSUL_PORTS = {"server": 18300, "serf_lan": 18301, "serf_wan": -1, "http": 18500, "grpc": -1,
                "grpc_tls": -1, "dns": -1}  # fmt: skip
NOMAD_PORTS = {"http": 14646, "rpc": 14647, "serf": 14648}
NOMAD_SERF = "127.0.0.1:14648"


@dataclass(frozen=True)
class Rogue:
    """A running rogue agent, and its log."""

    process: subprocess.Popen[bytes]
    file: Path

    @property
    def log(self) -> str:
        return self.file.read_text(errors="replace")


@contextmanager
def consul(cluster: ThrowawayCluster, server: bool) -> Iterator[Rogue]:
    """Run a Consul agent that tries again and again to join the cluster's."""
    settings = {
        "node_name": NAME,
        "bind_addr": "127.0.0.1",
        "ports": CONSUL_PORTS,
        "server": server,
        "retry_join": ["127.0.0.1:8301"],
        "retry_interval": "1s",
        "connect": {"enabled": True},
    }
    with _folder(cluster) as folder:
        words = ["agent", "-data-dir", str(folder / "data"), "-config-file"]
        with _running(folder, cluster.site.bin / "consul", words, settings) as rogue:
            yield rogue


@contextmanager
def nomad(cluster: ThrowawayCluster, **settings: Any) -> Iterator[Rogue]:
    """Run a Nomad agent. Its `settings` make it a server or a client, and have its certificate."""
    advertised = dict.fromkeys(NOMAD_PORTS, "127.0.0.1")
    common = {
        "name": NAME,
        "bind_addr": "127.0.0.1",
        "ports": NOMAD_PORTS,
        "advertise": advertised,
    }
    with _folder(cluster) as folder:
        words = ["agent", "-data-dir", str(folder / "data"), "-config"]
        with _running(folder, cluster.site.bin / "nomad", words, {**common, **settings}) as rogue:
            yield rogue


@contextmanager
def _folder(cluster: ThrowawayCluster) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rogue-", dir=cluster.home.parent))
    os.chown(folder, UID, UID)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(
    folder: Path, program: Path, words: list[str], settings: dict[str, Any]
) -> Iterator[Rogue]:
    config, log = folder / "config.json", folder / "log"
    config.write_text(json.dumps(settings))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *words, config],
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=UID,
            group=UID,
            extra_groups=[],
        )
    try:
        yield Rogue(process, log)
    finally:
        process.kill()
        process.wait()
