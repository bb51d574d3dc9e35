"""One client tries to keep all hashing to itself, while another one logs in."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from servicekit.testing.conformance import assert_problem
from servicekit.testing.live_server import serving
from user_service.app import create_app
from user_service.settings import UserSettings

MakeSettings = Callable[..., UserSettings]
Send = Callable[[httpx.Client, int], httpx.Response]

ATTACKER, OWNER = "203.0.113.5", "198.51.100.7"
CONNECTIONS = 75
LIMIT_SECONDS = 60
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "securepass123"}
REGISTER, LOGIN = "/api/v1/auth/register", "/api/v1/auth/login"


def taken(client: httpx.Client, _: int) -> httpx.Response:
    return client.post(REGISTER, json=JOHN)


def new(client: httpx.Client, number: int) -> httpx.Response:
    name = f"user{number}-{threading.get_native_id()}-{time.monotonic_ns()}"
    return client.post(REGISTER, json={**JOHN, "email": f"{name}@example.com", "username": name})


def guess(client: httpx.Client, number: int) -> httpx.Response:
    return client.post(LOGIN, json={"username": f"user{number}", "password": "a wrong one"})


@contextmanager
def client(port: int, address: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        headers={"X-Forwarded-For": address},
        limits=httpx.Limits(max_connections=CONNECTIONS),
        timeout=LIMIT_SECONDS,
        trust_env=False,
    ) as client:
        yield client


@contextmanager
def attacking(port: int, send: Send) -> Iterator[Counter[int]]:
    """Repeat a request over all connections while the block lasts; count the answers by status."""
    answered: Counter[int] = Counter()
    started, stop = threading.Semaphore(0), threading.Event()
    end = time.monotonic() + LIMIT_SECONDS

    def repeat(number: int) -> None:
        while not stop.is_set() and time.monotonic() < end:
            answered[send(attacker, number).status_code] += 1
            started.release()

    with client(port, ATTACKER) as attacker, ThreadPoolExecutor(CONNECTIONS) as threads:
        attack = [threads.submit(repeat, number) for number in range(CONNECTIONS)]
        try:
            assert started.acquire(timeout=LIMIT_SECONDS), "the attack was never answered"
            yield answered
        finally:
            stop.set()
    for each in attack:
        each.result()


@pytest.mark.parametrize("send", [taken, new, guess])
def test_nobody_elses_sign_in_fails_while_one_client_does_its_worst(
    make_settings: MakeSettings, send: Send
) -> None:
    # The limits on the client are out of the way: the queue has to hold by itself.
    settings = make_settings(
        password_cost=8,
        password_workers=1,
        failures_per_client=10**6,
        registrations_per_client=10**6,
    )
    with serving(create_app(settings)) as port, client(port, OWNER) as owner:
        assert owner.post(REGISTER, json=JOHN).status_code == 201
        with attacking(port, send) as answered:
            logins = [owner.post(LOGIN, json=JOHN).status_code for _ in range(20)]

        assert logins == [200] * 20
        assert sum(answered.values()) > CONNECTIONS  # It went on all the time.


def test_a_client_registers_so_often_and_then_waits(make_settings: MakeSettings) -> None:
    settings = make_settings(registrations_per_client=3)
    with (
        serving(create_app(settings)) as port,
        client(port, ATTACKER) as attacker,
        client(port, OWNER) as owner,
    ):
        assert new(attacker, 0).status_code == 201
        assert [taken(attacker, number).status_code for number in range(2)] == [201, 409]

        refused = new(attacker, 4)
        assert_problem(refused, 429)
        assert refused.json()["type"] == "/problems/too-many-registrations"
        assert 890 <= int(refused.headers["retry-after"]) <= 900
        assert new(owner, 5).status_code == 201
