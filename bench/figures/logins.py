"""The cost of logins for the machine, and for other requests."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from bench.figure import Better, Figure, Pair
from bench.stage import Stage
from bench.wrk import TIME_LIMIT, Request, client, finish, load, start

IN_FLIGHT = 50
READERS, PAUSE = 4, 0.02  # connections, and seconds from a response to the next request
LOGINS_A_SECOND = 8  # about the rate of two cores: it turns seconds into a number of logins
PASSWORD = "an example passphrase"  # noqa: S105


def _account(stage: Stage, name: str) -> tuple[Request, Request]:
    """Register an account if it is missing. Return its login request and a read request."""
    url = f"{stage.users}/api/v1/auth"
    login_body = {"username": name, "password": PASSWORD}
    account = {**login_body, "email": f"{name}@example.com"}
    # It may exist from the figure before: the login below fails if it does not.
    httpx.post(f"{url}/register", json=account, trust_env=False, timeout=TIME_LIMIT)
    login = Request(
        f"{url}/login", {"Content-Type": "application/json"}, json.dumps(login_body), method="POST"
    )
    token = login.check().json()["access_token"]
    return login, Request(f"{url}/me", {"Authorization": f"Bearer {token}"})


@contextmanager
def _throughput(stage: Stage) -> Iterator[Pair]:
    login, _ = _account(stage, "john")

    def hash_alone(seconds: float) -> float:
        command = [sys.executable, "-m", "bench.hashing", str(_number(seconds))]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def log_in(seconds: float) -> float:
        number = _number(seconds)
        with ThreadPoolExecutor(IN_FLIGHT) as threads, client(IN_FLIGHT) as http:
            start = time.perf_counter()
            for _ in threads.map(lambda _: login.check_over(http), range(number)):
                pass
            return number / (time.perf_counter() - start)

    yield Pair(ours=log_in, reference=hash_alone)


def _number(seconds: float) -> int:
    return max(1, round(seconds * LOGINS_A_SECOND))


@contextmanager
def _readers(stage: Stage) -> Iterator[Pair]:
    login, _ = _account(stage, "john")
    # The readers use another account: an account has at most 100 sessions, and each login ends the
    # oldest one.
    _, read = _account(stage, "jane")

    def alone(seconds: float) -> float:
        return load(read, connections=READERS, seconds=seconds, pause=PAUSE).p99

    def among_logins(seconds: float) -> float:
        logins = start(login, connections=IN_FLIGHT, seconds=seconds + 1)
        time.sleep(0.5)  # long enough to have all in flight; there is no condition to wait for
        p99 = alone(seconds)
        finish(logins)
        login.check()  # Logins are served in order: those that wrk left unfinished have ended now.
        return p99

    yield Pair(ours=among_logins, reference=alone)


FIGURES = [
    Figure(9, "logins/s at cost 12", "bcrypt alone on all cores", Better.HIGHER, 0.95, _throughput),
    Figure(10, "GET p99 with 50 logins in flight", "GET p99 alone", Better.LOWER, 2, _readers),
]
