"""Agents of a stranger: started by another user of the machine, with a folder of their own."""

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

UID = 65533  # nobody's
NAME = "rogue"

# Beside the cluster's own, on loopback.
CONSUL_PORTS = {"server": 18300, "serf_lan": 18301, "serf_wan": -1, "http": 18500, "grpc": -1,
                "grpc_tls": -1, "dns": -1}  # fmt: skip
NOMAD_PORTS = {"http": 14646, "rpc": 14647, "serf": 14648}
NOMAD_SERF = "127.0.0.1:14648"


@dataclass(frozen=True)
class Rogue:
    """A running agent of a stranger, and what it says."""

    process: subprocess.Popen[bytes]
    file: Path

    @property
    def log(self) -> str:
        return self.file.read_text(errors="replace")


@contextmanager
def consul(cluster: ThrowawayCluster, server: bool) -> Iterator[Rogue]:
    """A Consul agent that tries to join the cluster's, time and again."""
    facts = {
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
        with _running(folder, cluster.site.bin / "consul", words, facts) as rogue:
            yield rogue


@contextmanager
def nomad(cluster: ThrowawayCluster, **facts: Any) -> Iterator[Rogue]:
    """A Nomad agent; `facts` say whether it is a server or a client, and what it shows."""
    advertised = dict.fromkeys(NOMAD_PORTS, "127.0.0.1")
    common = {
        "name": NAME,
        "bind_addr": "127.0.0.1",
        "ports": NOMAD_PORTS,
        "advertise": advertised,
    }
    with _folder(cluster) as folder:
        words = ["agent", "-data-dir", str(folder / "data"), "-config"]
        with _running(folder, cluster.site.bin / "nomad", words, {**common, **facts}) as rogue:
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
    folder: Path, program: Path, words: list[str], facts: dict[str, Any]
) -> Iterator[Rogue]:
    config, log = folder / "config.json", folder / "log"
    config.write_text(json.dumps(facts))
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
