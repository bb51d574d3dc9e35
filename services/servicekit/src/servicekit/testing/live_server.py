"""A real uvicorn on loopback, for tests in which the connection matters."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from servicekit.server import OPTIONS
from servicekit.testing.endpoints import ANSWERS


@contextmanager
def serving(app: Starlette) -> Iterator[int]:
    """Serve the app with a service's own options. Yield the port on 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(ANSWERS.recording(app), **OPTIONS))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()
