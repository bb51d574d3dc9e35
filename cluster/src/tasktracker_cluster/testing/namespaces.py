"""A network of its own for what needs fixed ports, and the networks of others."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasktracker_cluster.machine.netns import CLONE_NEWNET, enter


@contextmanager
def network_namespace() -> Iterator[None]:
    """Move this thread, and the processes that it starts, to a network of nothing but loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    with _coming_back():
        if libc.unshare(CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield


@contextmanager
def entered(namespace: Path) -> Iterator[None]:
    """Move this thread, and the processes that it starts, to a network that is there already."""
    with _coming_back(), namespace.open() as inside:
        enter(inside.fileno())
        yield


@contextmanager
def _coming_back() -> Iterator[None]:
    with open("/proc/thread-self/ns/net") as outside:
        try:
            yield
        finally:
            enter(outside.fileno())
