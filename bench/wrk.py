"""A closed loop of requests, made by wrk: a connection sends a request after each response."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.errors import BenchError

TIME_LIMIT = 60  # seconds for one response
_REPORT = "report "


@dataclass(frozen=True)
class Load:
    """The result of a load: responses, responses per second, and response times in seconds."""

    requests: int
    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Request:
    """A request to repeat. With `ids`, each one replaces `{id}` by the next id."""

    url: str
    headers: Mapping[str, str]
    body: str | None = None
    method: str = "GET"
    ids: range | None = None

    def check(self) -> httpx.Response:
        """Send the request once. Raises BenchError unless the status is 2xx: wrk accepts a 3xx."""
        with client() as http:
            return self.check_over(http)

    def check_over(self, http: httpx.Client) -> httpx.Response:
        """Do the same as `check` with an existing client: making one costs more than a request."""
        url = self.url.replace("{id}", str(self.ids[0])) if self.ids else self.url
        try:
            answer = http.request(self.method, url, headers=dict(self.headers), content=self.body)
        except httpx.HTTPError as error:
            raise BenchError(f"{self.url} does not answer: {error}.") from error
        if not answer.is_success:
            raise BenchError(f"{self.url} answers {answer.status_code}: {answer.text[:200]}.")
        return answer


def client(connections: int = 1) -> httpx.Client:
    """Return a client for this machine, with at most that many connections."""
    limits = httpx.Limits(max_connections=connections)
    return httpx.Client(trust_env=False, timeout=TIME_LIMIT, limits=limits)


def load(request: Request, *, connections: int, seconds: float, pause: float = 0) -> Load:
    """Repeat the request over a number of connections, and return the result.

    `pause` is the time before each request in seconds. Raises BenchError if no request was
    answered, or if one was answered with an error or too late.
    """
    result = start(request, connections=connections, seconds=seconds, pause=pause)
    return finish(result)


def start(
    request: Request, *, connections: int, seconds: float, pause: float = 0
) -> "subprocess.Popen[str]":
    """Start a load with the arguments of `load`, for `finish` to wait for."""
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
        "METHOD": request.method,
        "IDS": f"{request.ids[0]}-{request.ids[-1]}" if request.ids else "",
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
    """Wait for a load, and return its result. Raises BenchError as `load` does."""
    return read(report(process))


def report(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for a load, and return what `report.lua` wrote. Raises BenchError if it did not."""
    output, _ = process.communicate()
    lines = [line for line in output.splitlines() if line.startswith(_REPORT)]
    if process.returncode or not lines:
        raise BenchError(f"wrk ended with {process.returncode}: {output.strip()}.")
    found: dict[str, Any] = json.loads(lines[0].removeprefix(_REPORT))
    return found


def read(report: Mapping[str, Any]) -> Load:
    """Return the result in the report of `report.lua`.

    Raises BenchError unless there were requests and all were served.
    """
    if not report["requests"]:
        raise BenchError("No request was answered. Check whether the service is up.")
    if failed := {name: report[name] for name in ("refused", "broken", "late") if report[name]}:
        raise BenchError(f"Of {report['requests']} requests some were not served: {failed}.")
    return Load(
        requests=report["requests"],
        rate=report["requests"] / report["microseconds"] * 1e6,
        p50=report["p50"] / 1e6,
        p99=report["p99"] / 1e6,
    )
