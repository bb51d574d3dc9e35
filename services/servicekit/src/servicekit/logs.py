"""Structured logs on stdout: JSON for machines, colours for a person at a terminal.

Headers, tokens, bodies and query strings are never logged.
"""

import json
import logging
import os
import sys

import structlog
from structlog.typing import Processor

from servicekit.log_lines import LogLines


def configure(service: str, level: str) -> None:
    """Send the records of structlog and of the standard library through one pipeline."""

    def add_service(
        _: object, __: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_service,
    ]
    lines = LogLines()
    # FORCE_COLOR is set where a person reads the output of a pipe.
    rendering = _rendering(pretty=sys.stdout.isatty() or "FORCE_COLOR" in os.environ)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=lambda *_: lines,
    )
    _configure_standard_library(level, lines, shared, rendering)


def _rendering(*, pretty: bool) -> list[Processor]:
    if pretty:
        # The plain formatter, because the others print local variables, which may have secrets.
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    # One encoder for all lines. json.dumps would make one for each.
    encoder = json.JSONEncoder(default=repr)
    return [structlog.processors.format_exc_info, lambda _, __, event: encoder.encode(event)]


def _configure_standard_library(
    level: str, lines: LogLines, shared: list[Processor], rendering: list[Processor]
) -> None:
    handler = logging.StreamHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At INFO, httpx logs URLs with their query strings.
    logging.getLogger("httpx").setLevel(logging.WARNING)
