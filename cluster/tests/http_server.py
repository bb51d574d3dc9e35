"""HTTP servers in place of an agent: with real sockets, and with answers that a test chooses."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from tasktracker_cluster.agents.api import Api

S = TypeVar("S", bound="Agent")


@dataclass(frozen=True)
class Request:
    """A request that came. `path` is as it was sent; `body` is its parsed JSON or form."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    token: str = ""  # for Consul


@dataclass(frozen=True)
class Refusal:
    """An answer with a status of 400 and above."""

    status: int
    text: str = ""


class Agent:
    """An agent's API: `answers` maps a path to its JSON, or to a function of the request.

    Bytes are sent as they are. Every other path is answered with 404.
    """

    port: int

    def __init__(self) -> None:
        self.answers: dict[str, object | Callable[[Request], object]] = {}

    def answer(self, request: Request) -> object:
        """Return JSON, bytes or a Refusal."""
        found = self.answers.get(request.path, Refusal(404))
        return found(request) if callable(found) else found

    def api(self, token: str = "") -> Api:
        """Return a client, as the commands have one. `token` is for Consul."""
        headers = {"X-Consul-Token": token}
        return Api(type(self).__name__, f"http://127.0.0.1:{self.port}", headers, timeout=10)


@contextmanager
def serving(agent: S) -> Iterator[S]:
    """Serve the agent on a free port for as long as the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(agent)) as server:
        server.daemon_threads = True
        agent.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield agent
        finally:
            server.shutdown()
            thread.join()


def _handler(agent: Agent) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            is_form = "form" in self.headers.get("Content-Type", "")
            parsed: Any = dict(parse_qsl(body.decode())) if is_form else json.loads(body or "null")
            token = self.headers.get("X-Consul-Token", "")
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            request = Request(self.command, url.path, query, parsed, token)
            self._send(agent.answer(request))

        def _send(self, answer: object) -> None:
            refusal = answer if isinstance(answer, Refusal) else None
            if refusal:
                answer = refusal.text.encode()
            # As an agent writes it: scripts of the shell compare it.
            text = "" if isinstance(answer, bytes) else json.dumps(answer, separators=(",", ":"))
            content = answer if isinstance(answer, bytes) else text.encode()
            self.send_response(refusal.status if refusal else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
            pass

        do_GET = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - their names

    return Handler
