"""A network of their own for what needs fixed ports, and networks that others have."""

import ctypes
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLONE_NEWNET = 0x40000000


@contextmanager
def network_namespace() -> Iterator[None]:
    """Move this thread, and the processes that it starts, to a network of nothing but loopback."""
    libc = ctypes.CDLL(None, use_errno=True)
    with _coming_back(libc):
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield


@contextmanager
def entered(namespace: Path) -> Iterator[None]:
    """Move this thread, and the processes that it starts, to a network that is there already."""
    libc = ctypes.CDLL(None, use_errno=True)
    with _coming_back(libc), namespace.open() as inside:
        _enter(libc, inside.fileno())
        yield


@contextmanager
def _coming_back(libc: ctypes.CDLL) -> Iterator[None]:
    with open("/proc/thread-self/ns/net") as outside:
        try:
            yield
        finally:
            _enter(libc, outside.fileno())


def _enter(libc: ctypes.CDLL, descriptor: int) -> None:
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
