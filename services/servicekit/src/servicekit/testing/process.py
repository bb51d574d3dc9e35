"""A service's program as a process of its own, as it runs outside of tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

START_LIMIT = 120  # seconds, for a busy machine


def run(module: str, *arguments: str, **variables: str) -> None:
    """Run `python -m module arguments` to its end. Raises CalledProcessError if it fails."""
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, env=_environment(variables), check=True, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Started:
    """A program that answers."""

    address: str
    process: "subprocess.Popen[bytes]"


@contextmanager
def started(module: str, limit: float = START_LIMIT, /, **variables: str) -> Iterator[Started]:
    """Run `python -m module` on a free port, and end it with SIGTERM after the block.

    Raises httpx.TransportError if it ends, or does not answer within `limit` seconds.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = _environment({**variables, "PORT": str(port)})
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(process, address, limit)
            yield Started(address, process)
        finally:
            process.send_signal(signal.SIGTERM)
    # When all is shut down, uvicorn ends by the signal that stopped it.
    assert process.returncode in (0, -signal.SIGTERM)  # noqa: S101 - it is part of a test


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return these variables, and those that coverage needs in other processes."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "PATH" or name.startswith("COVERAGE_")
    }
    return {**kept, **variables}


def _wait(process: "subprocess.Popen[bytes]", address: str, limit: float) -> None:
    deadline = time.monotonic() + limit
    while True:
        try:
            httpx.get(f"{address}/health/live", trust_env=False, timeout=60).raise_for_status()
            return
        except httpx.TransportError:  # a busy machine may also accept, and answer late
            if process.poll() is not None or time.monotonic() > deadline:
                raise
        time.sleep(0.05)
