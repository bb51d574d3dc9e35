"""Network namespaces for tests that need fixed ports."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasktracker_cluster.machine.netns import CLONE_NEWNET, enter


@contextmanager
def network_namespace() -> Iterator[None]:
    """Move this thread and its child processes to a new network that has only loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    with _restoring_namespace():
        if libc.unshare(CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield


@contextmanager
def entered(namespace: Path) -> Iterator[None]:
    """Move this thread and its child processes to an existing network."""
    with _restoring_namespace(), namespace.open() as inside:
        enter(inside.fileno())
        yield


@contextmanager
def _restoring_namespace() -> Iterator[None]:
    with open("/proc/thread-self/ns/net") as outside:
        try:
            yield
        finally:
            enter(outside.fileno())
