"""Sends finished spans to a store. Only a traced process imports it: the SDK takes 10 MB."""

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

DELAY = 500  # milliseconds, from a span's end until it is sent with the others
TIME_LIMIT = 2  # seconds, to send them


def provider(service: str, url: str) -> TracerProvider:
    """Return what makes the spans of `service`, and sends them to `url` from a thread.

    It follows the caller: a request without a sampled parent has no span. Spans that cannot be sent
    are lost.
    """
    made = TracerProvider(
        # Not Resource.create, which would add facts about the process and the machine.
        resource=Resource({SERVICE_NAME: service}),
        sampler=ParentBased(ALWAYS_OFF),
    )
    exporter = OTLPSpanExporter(endpoint=url, timeout=TIME_LIMIT)
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=DELAY))
    return made
