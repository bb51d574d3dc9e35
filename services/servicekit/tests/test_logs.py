"""What is in a log line, and what never is."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.routing import Route

from servicekit import app as application
from servicekit import logs, middleware
from servicekit.testing import client as testing_client
from servicekit.testing.credentials import bearer
from services.servicekit.tests.span_receiver import receiving

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the logging of the process afterwards."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configuration = structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    structlog.configure(**configuration)


def lines(capsys: Capture) -> list[dict[str, Any]]:
    # The client has its response before the server's turn ends, until which the line waits.
    for handler in logging.getLogger().handlers:
        handler.flush()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_request_is_one_line_without_its_query(client: httpx.Client, capsys: Capture) -> None:
    logs.configure("note-service", "INFO")
    client.get("/notes/5?limit=2", headers={"X-Request-ID": "r1"})
    [line] = lines(capsys)
    duration, timestamp = line.pop("duration_ms"), line.pop("timestamp")
    assert line == {
        "event": "request",
        "level": "info",
        "service": "note-service",
        "request_id": "r1",
        "method": "GET",
        "route": "/notes/{identifier}",
        "status": 200,
    }
    assert duration > 0
    assert timestamp.endswith("Z")


def test_known_caller_is_named_and_the_next_request_is_not(
    client: httpx.Client, capsys: Capture
) -> None:
    logs.configure("note-service", "INFO")
    client.get("/notes/", headers=bearer(7))
    client.get("/notes/")
    assert [line.get("user_id") for line in lines(capsys)] == [7, None]


@pytest.mark.parametrize("path", ["/health", "/health/live/", "/metrics"])
@pytest.mark.parametrize(("level", "count"), [("INFO", 0), ("DEBUG", 1)])
def test_machines_questions_are_logged_at_debug_only(
    client: httpx.Client, capsys: Capture, path: str, level: str, count: int
) -> None:
    logs.configure("note-service", level)
    client.get(path)
    assert [line["event"] for line in lines(capsys)].count("request") == count


def test_unhandled_error_is_logged_with_its_traceback(
    app: FastAPI, client: httpx.Client, capsys: Capture
) -> None:
    async def fault(_: Request) -> None:
        password = "hunter2"
        raise RuntimeError(len(password))

    app.router.routes.insert(0, Route("/fault", fault))
    logs.configure("note-service", "INFO")
    client.get("/fault", headers={"X-Request-ID": "r1"})
    error, request = lines(capsys)
    assert (error["request_id"], request["status"]) == ("r1", 500)
    assert "RuntimeError: 7" in error["exception"]
    assert "'hunter2'" not in json.dumps(error).replace('password = \\"hunter2\\"', "")


def test_standard_library_records_take_the_same_form(capsys: Capture) -> None:
    logs.configure("note-service", "INFO")
    logging.getLogger("uvicorn.error").info("started on %s", 8001)
    [line] = lines(capsys)
    assert (line["event"], line["logger"], line["service"]) == (
        "started on 8001",
        "uvicorn.error",
        "note-service",
    )


def test_httpx_does_not_log_the_addresses_it_asks(capsys: Capture) -> None:
    logs.configure("note-service", "INFO")
    logging.getLogger("httpx").info("HTTP Request: GET /?token=x")
    assert lines(capsys) == []


def test_person_behind_a_pipe_can_ask_for_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    logs.configure("note-service", "INFO")
    structlog.get_logger().info("started")
    assert "\x1b[" in capsys.readouterr().out


def test_program_behind_a_pipe_gets_json_while_errors_go_to_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    logs.configure("note-service", "INFO")
    structlog.get_logger().info("started")
    (line,) = lines(capsys)
    assert line["event"] == "started"


def test_person_at_a_terminal_reads_plain_tracebacks(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    logs.configure("note-service", "INFO")
    hidden = "hunter2".upper()
    try:
        raise RuntimeError(len(hidden))
    except RuntimeError:
        structlog.get_logger().exception("failed")
    text = capsys.readouterr().out
    assert "RuntimeError" in text
    assert "HUNTER2" not in text


def test_line_of_a_traced_request_names_its_trace(app: FastAPI, capsys: Capture) -> None:
    trace = "5f2c41d06b8a4e1f9d3c7b6a50e8f412"
    with receiving("note-service"):
        traced = application.create("Notes", "1.2.3")
        middleware.install(traced)
        with testing_client.running(traced) as client:
            logs.configure("note-service", "INFO")
            client.get("/none", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
            client.get("/none")
    of_traced, of_other = lines(capsys)
    assert of_traced["trace_id"] == trace
    assert "trace_id" not in of_other
