"""A receiver of spans for tests: a real server that takes OTLP over HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import HttpUrl

from servicekit import tracing


@dataclass(frozen=True)
class Received:
    """A span that was sent. Ids are hexadecimal; `kind` is SERVER or CLIENT."""

    service: str
    name: str
    kind: str
    trace: str
    identifier: str
    parent: str
    failed: bool
    attributes: dict[str, str]


class SpanReceiver:
    """Keeps what was sent: `raw` as it came, byte for byte."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []

    @property
    def spans(self) -> list[Received]:
        """All spans, in the order of their ends."""
        found = []
        for body in self.raw:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _attributes(resource.resource)["service.name"]
                for scope in resource.scope_spans:
                    found += [_received(service, span) for span in scope.spans]
        return found


def _received(service: str, span: Any) -> Received:
    return Received(
        service=service,
        name=span.name,
        kind={2: "SERVER", 3: "CLIENT"}[span.kind],
        trace=span.trace_id.hex(),
        identifier=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        failed=span.status.code == 2,
        attributes=_attributes(span),
    )


def _attributes(holder: Any) -> dict[str, str]:
    return {
        each.key: str(getattr(each.value, each.value.WhichOneof("value")))
        for each in holder.attributes
    }


@contextmanager
def receiving(service: str) -> Iterator[SpanReceiver]:
    """Trace this process as `service` during the block. After it, all spans have been received."""
    receiver = SpanReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            receiver.raw.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = HttpUrl(f"http://127.0.0.1:{server.server_address[1]}/v1/traces")
        tracing.configure(service, url)
        yield receiver
    finally:
        tracing.configure(service, None)  # which sends the rest
        server.shutdown()
        thread.join()
        server.server_close()
