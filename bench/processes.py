"""Services as processes of their own, on loopback, with nothing between them and the load."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from bench.errors import BenchError

START_LIMIT = 30  # seconds


@contextmanager
def serving(module: str, settings: dict[str, str]) -> Iterator[str]:
    """Run `python -m module`; gives its address, http://127.0.0.1:port, once it answers."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        env={**os.environ, **settings, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait(process, module, url)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", module: str, url: str) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            httpx.get(f"{url}/health/live", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"{module} did not start; its own words are above") from None
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
