"""All services as processes, on real databases, and two users of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import httpx
import pytest

from servicekit.testing import process
from servicekit.testing.credentials import SECRET
from servicekit.testing.plugin import MakeDatabase
from tests.contract.fuzz import Headers

PEOPLE = ("ada", "bob")
PASSWORD = "securepass123"
LIMIT_SECONDS = 60  # for an answer of a busy machine

Start = Callable[..., str]


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Yield a function that starts a service with these variables, and returns its address."""
    with ExitStack() as running:

        def start(module: str, **variables: str) -> str:
            settings = {"SECRET_KEY": SECRET, "LOG_LEVEL": "ERROR"} | variables
            if "DATABASE_URL" in settings:
                process.run(module, "migrate", DATABASE_URL=settings["DATABASE_URL"])
            return running.enter_context(process.started(module, **settings)).address

        yield start


@pytest.fixture(scope="session")
def user_database(make_database: MakeDatabase) -> str:
    return make_database("contract_user")


@pytest.fixture(scope="session")
def services(make_database: MakeDatabase, user_database: str, start: Start) -> Mapping[str, str]:
    """Start all services. Return their addresses by their names."""
    user = start(
        "user_service",
        DATABASE_URL=user_database,
        # Cheap hashes and no throttle, because most passwords in these tests are wrong.
        PASSWORD_COST="4",
        FAILURES_PER_ACCOUNT="1000000",
        FAILURES_PER_CLIENT="1000000",
        REGISTRATIONS_PER_CLIENT="1000000",
    )
    task = start("task_service", DATABASE_URL=make_database("contract_task"))
    stats = start("stats_service", TASK_SERVICE_URL=task)
    addresses = {"USER_SERVICE_URL": user, "TASK_SERVICE_URL": task, "STATS_SERVICE_URL": stats}
    portal = start("portal_service", **addresses)
    return {"user": user, "task": task, "stats": stats, "portal": portal}


@pytest.fixture(scope="session")
def people(services: Mapping[str, str], user_database: str) -> Mapping[str, Headers]:
    """Return the headers of two users with logins. The first is a superuser."""
    for name in PEOPLE:
        account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        answer = httpx.post(
            f"{services['user']}/api/v1/auth/register", json=account, timeout=LIMIT_SECONDS
        )
        assert answer.status_code == 201, answer.text
    process.run("user_service", "promote", PEOPLE[0], DATABASE_URL=user_database)
    return {name: _sign_in(services["user"], name) for name in PEOPLE}


def _sign_in(address: str, name: str) -> Headers:
    body = {"username": name, "password": PASSWORD}
    answer = httpx.post(f"{address}/api/v1/auth/login", json=body, timeout=LIMIT_SECONDS)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}
