"""A program is started, timed and stopped, or there is an error."""

import socket
import sys

import pytest

from bench.errors import BenchError
from bench.program import Program
from tasktracker_cluster.agents.api import Api


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_a_program_is_timed_until_it_answers_and_is_then_stopped() -> None:
    port = free_port()
    api = Api("The server", f"http://127.0.0.1:{port}", {})
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]

    assert Program(command, lambda: api.answers("/")).start_seconds() > 0
    assert not api.answers("/")


def test_a_program_that_ends_before_it_answers_is_an_error() -> None:
    with pytest.raises(BenchError, match=r"does not start alone: .* -c pass"):
        Program([sys.executable, "-c", "pass"], lambda: False).start_seconds()
