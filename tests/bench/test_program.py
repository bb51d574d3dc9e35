"""A program is started, timed and stopped, or there is an error."""

import sys
import time
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.program import Program
from tasktracker_cluster.agents.api import Api

# Takes a free port, and writes it to a file.
SERVER = """
import sys
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
server = HTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
draft = Path(sys.argv[1] + ".draft")
draft.write_text(str(server.server_port))
draft.rename(sys.argv[1])
server.serve_forever()
"""


def test_a_program_is_timed_until_it_answers_and_is_then_stopped(tmp_path: Path) -> None:
    port, asked = tmp_path / "port", list[float]()

    def answers() -> bool:
        asked.append(time.perf_counter())
        return port.exists() and Api("It", f"http://127.0.0.1:{port.read_text()}", {}).answers("/")

    begin = time.perf_counter()
    seconds = Program([sys.executable, "-c", SERVER, port], answers).start_seconds()
    assert asked[-1] - asked[0] <= seconds <= time.perf_counter() - begin
    assert len(asked) > 1
    assert not answers()


def test_a_program_that_ends_before_it_answers_is_an_error() -> None:
    with pytest.raises(BenchError, match=r"does not start alone: .* -c pass"):
        Program([sys.executable, "-c", "pass"], lambda: False).start_seconds()
