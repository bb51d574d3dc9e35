"""A server that is told to stop."""

import signal
import socket
import subprocess
import sys
import time

import httpx

PROGRAM = """
import sys
from servicekit import app, logs, middleware, server, settings
logs.configure("note-service", "INFO")
notes = app.create("Notes", "1")
middleware.install(notes)
server.run(notes, settings.ServiceSettings(port=int(sys.argv[1])))
"""


def test_server_answers_and_ends_well_when_told_to_stop() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)], stdout=subprocess.PIPE)
    try:
        answer = first_answer(f"http://127.0.0.1:{port}/openapi.json")
        assert "server" not in answer.headers
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode in (0, -signal.SIGTERM)
    assert b'"service": "note-service"' in output
    # The line of a request waits for others, but not beyond the end (servicekit/log_lines.py).
    assert output.count(b'"event": "request"') == 1
    assert b"Finished server process" in output.splitlines()[-1]


def first_answer(url: str) -> httpx.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return httpx.get(url, trust_env=False, timeout=60)
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
