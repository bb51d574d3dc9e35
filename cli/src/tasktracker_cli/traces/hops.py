"""Spans, as Jaeger's API gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Span:
    """What one program did for a request. `start` and `duration` are in microseconds."""

    identifier: str
    parent: str  # a span's, or the one that the run itself named
    service: str
    name: str
    start: int
    duration: int
    failed: bool


def read(answer: Any) -> list[Span]:
    """Return the spans of the only trace in an answer of the API.

    Raises KeyError, TypeError or ValueError if it is no such answer.
    """
    (trace,) = answer["data"]
    services = {key: str(each["serviceName"]) for key, each in trace["processes"].items()}
    return [_span(each, services[each["processID"]]) for each in trace["spans"]]


def _span(raw: Mapping[str, Any], service: str) -> Span:
    tags = {tag["key"]: tag["value"] for tag in raw["tags"]}
    parents = [each["spanID"] for each in raw["references"] if each["refType"] == "CHILD_OF"]
    return Span(
        identifier=str(raw["spanID"]),
        parent=str(parents[0]) if parents else "",
        service=service,
        name=str(raw["operationName"]),
        start=int(raw["startTime"]),
        duration=int(raw["duration"]),
        failed=tags.get("error") in (True, "true"),
    )


def is_complete(spans: Sequence[Span], parent: str, requests: int) -> bool:
    """Return whether each span's parent has come, and a first span of each request, one at least.

    A span below one that has come may still be missing.
    """
    known = {parent, *(span.identifier for span in spans)}
    first = sum(span.parent == parent for span in spans)
    return first >= max(requests, 1) and all(span.parent in known for span in spans)
