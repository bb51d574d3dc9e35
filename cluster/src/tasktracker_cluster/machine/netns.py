"""Network namespaces: entering one, and connecting inside one."""

import ctypes
import os
import socket
from concurrent.futures import ThreadPoolExecutor

CLONE_NEWNET = 0x40000000


def enter(descriptor: int) -> None:
    """Move this thread into the network namespace of the open file `descriptor`. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    # os.setns exists from Python 3.12 on.
    if libc.setns(descriptor, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def is_here(allocation: str) -> bool:
    """Return whether this machine has the network of the allocation."""
    return os.path.exists(f"/run/netns/{allocation}")


def connect(allocation: str, address: tuple[str, int], limit: float) -> socket.socket:
    """Connect inside an allocation's network. `limit` is in seconds. Raises OSError.

    A separate thread enters the namespace and ends. The socket stays in the namespace.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_connect, allocation, address, limit).result()


def _connect(allocation: str, address: tuple[str, int], limit: float) -> socket.socket:
    with open(f"/run/netns/{allocation}") as namespace:
        enter(namespace.fileno())
    return socket.create_connection(address, limit)
