"""Connections made inside an allocation's network namespace: its loopback is private to it."""

import ctypes
import socket
from concurrent.futures import ThreadPoolExecutor

CLONE_NEWNET = 0x40000000


def connect(allocation: str, address: tuple[str, int], limit: float) -> socket.socket:
    """Connect from within the namespace; `limit` is in seconds. Raises OSError.

    A thread of its own enters the namespace, and ends: the socket stays what it is.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_connect, allocation, address, limit).result()


def _connect(allocation: str, address: tuple[str, int], limit: float) -> socket.socket:
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{allocation}") as namespace:
        # os.setns is Python 3.12's.
        if libc.setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")
    return socket.create_connection(address, limit)
