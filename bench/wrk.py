"""A closed loop of requests: each connection asks again when it has its answer."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.errors import BenchError

TIME_LIMIT = 60  # seconds for one answer
_REPORT = "report "


@dataclass(frozen=True)
class Load:
    """What was answered: requests per second, and the times for one of them in seconds."""

    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Request:
    """A request that is made again and again; with a body it is a POST of JSON."""

    url: str
    headers: Mapping[str, str]
    body: str | None = None

    def check(self) -> httpx.Response:
        """Make it once. Raises BenchError unless the answer is a 2xx: wrk takes a 3xx as good."""
        with client() as http:
            return self.check_over(http)

    def check_over(self, http: httpx.Client) -> httpx.Response:
        """`check` without a client of its own, which takes longer to make than many an answer."""
        method = "POST" if self.body else "GET"
        try:
            answer = http.request(method, self.url, headers=dict(self.headers), content=self.body)
        except httpx.HTTPError as error:
            raise BenchError(f"{self.url} does not answer: {error}") from error
        if not answer.is_success:
            raise BenchError(f"{self.url} answers {answer.status_code}: {answer.text[:200]}")
        return answer


def client(connections: int = 1) -> httpx.Client:
    """For requests to the machine itself, over that many connections."""
    limits = httpx.Limits(max_connections=connections)
    return httpx.Client(trust_env=False, timeout=TIME_LIMIT, limits=limits)


def load(request: Request, *, connections: int, seconds: float, pause: float = 0) -> Load:
    """Make the request over so many connections; `pause` is in seconds, before each request.

    Raises BenchError if not one request was answered, or one was with an error or too late.
    """
    result = start(request, connections=connections, seconds=seconds, pause=pause)
    return finish(result)


def start(
    request: Request, *, connections: int, seconds: float, pause: float = 0
) -> "subprocess.Popen[str]":
    """Start such a load; `finish` waits for it."""
    headers = [
        word for name, value in request.headers.items() for word in ("-H", f"{name}: {value}")
    ]
    options = [
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        f"--timeout={TIME_LIMIT}s",
    ]
    script = Path(__file__).with_name("report.lua")
    environment = {
        "METHOD": "POST" if request.body else "GET",
        "BODY": request.body or "",
        "PAUSE": str(round(pause * 1000)),
    }
    return subprocess.Popen(
        ["wrk", *options, "-s", script, *headers, request.url],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> Load:
    """What the load came to. Raises BenchError as `load` does."""
    output, _ = process.communicate()
    lines = [line for line in output.splitlines() if line.startswith(_REPORT)]
    if process.returncode or not lines:
        raise BenchError(f"wrk ended with {process.returncode}: {output.strip()}")
    return read(json.loads(lines[0].removeprefix(_REPORT)))


def read(report: Mapping[str, Any]) -> Load:
    """The load that `report.lua` told of; BenchError unless every request was served."""
    if not report["requests"]:
        raise BenchError("no request was answered: is the service up?")
    if failed := {name: report[name] for name in ("refused", "broken", "late") if report[name]}:
        raise BenchError(f"of {report['requests']} requests some were not served: {failed}")
    return Load(
        rate=report["requests"] / report["microseconds"] * 1e6,
        p50=report["p50"] / 1e6,
        p99=report["p99"] / 1e6,
    )
