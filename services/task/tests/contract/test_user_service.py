"""The task service beside a real user service: ended sessions and personal tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from pydantic import HttpUrl, SecretStr

import user_service
import user_service.app
from servicekit import migrate, personal_tokens
from servicekit.testing.client import running
from servicekit.testing.credentials import SECRET
from servicekit.testing.live_server import serving
from servicekit.testing.plugin import MakeDatabase
from servicekit.testing.waiting import eventually
from task_service.app import create_app
from task_service.settings import TaskSettings
from user_service.settings import UserSettings

LIMIT = 60  # seconds: the promise is 5, on a machine that does nothing else
AUTH = "/api/v1/auth"
JOHN = {"email": "john@example.com", "username": "johndoe", "password": "a passphrase of mine"}


@dataclass(frozen=True)
class Services:
    """Both services, as a client sees them."""

    users: httpx.Client
    tasks: httpx.Client

    def sign_in(self) -> dict[str, str]:
        tokens: dict[str, str] = self.users.post(f"{AUTH}/login", json=JOHN).json()
        return tokens

    def token(self, owner: dict[str, str], scope: str) -> dict[str, str]:
        """Make a personal access token for the user with the headers `owner`."""
        draft = {"name": "ci", "scopes": [scope], "current_password": JOHN["password"]}
        answer = self.users.post(f"{AUTH}/tokens", json=draft, headers=owner)
        made: dict[str, str] = answer.raise_for_status().json()
        return made

    def create(self, tokens: dict[str, str]) -> int:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        body = {"title": "written with a token"}
        return self.tasks.post("/api/v1/tasks/", json=body, headers=headers).status_code


@pytest.fixture
def services(task_settings: TaskSettings, make_database: MakeDatabase) -> Iterator[Services]:
    settings = UserSettings(
        database_url=SecretStr(make_database("users")),
        secret_key=SecretStr(SECRET),
        password_cost=4,
        log_level="ERROR",
    )
    migrate.upgrade(settings.database_url.get_secret_value(), user_service.MIGRATIONS)
    with serving(user_service.app.create_app(settings)) as port:
        address = f"http://127.0.0.1:{port}"
        following = task_settings.model_copy(update={"user_service_url": HttpUrl(address)})
        with (
            running(create_app(following)) as tasks,
            httpx.Client(base_url=address, trust_env=False, timeout=60) as users,
        ):
            users.post(f"{AUTH}/register", json=JOHN).raise_for_status()
            yield Services(users, tasks)


def test_who_has_signed_out_makes_no_more_tasks_and_who_has_not_goes_on(services: Services) -> None:
    leaves, stays = services.sign_in(), services.sign_in()
    assert [services.create(leaves), services.create(stays)] == [201, 201]

    body = {"refresh_token": leaves["refresh_token"]}
    services.users.post(f"{AUTH}/logout", json=body).raise_for_status()

    eventually(lambda: services.create(leaves) == 401, LIMIT)
    assert services.create(stays) == 201


def test_a_personal_token_does_what_its_scopes_say_until_it_is_revoked(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A service that only forgets the token would refuse it within the limit, too.
    monkeypatch.setattr(personal_tokens, "CACHE_SECONDS", 60 * LIMIT)

    def read(made: dict[str, str]) -> int:
        headers = {"Authorization": f"Bearer {made['token']}"}
        return services.tasks.get("/api/v1/tasks/", headers=headers).status_code

    def write(made: dict[str, str]) -> int:
        return services.create({"access_token": made["token"]})

    owner = {"Authorization": f"Bearer {services.sign_in()['access_token']}"}
    reader, writer = (services.token(owner, f"tasks:{each}") for each in ("read", "write"))
    assert [read(reader), write(reader)] == [200, 403]
    assert [read(writer), write(writer)] == [403, 201]

    path = f"{AUTH}/tokens/{writer['id']}"
    services.users.delete(path, headers=owner).raise_for_status()

    eventually(lambda: write(writer) == 401, LIMIT)
    assert read(reader) == 200


def test_each_call_that_changes_something_takes_the_one_scope_and_each_other_the_other(
    services: Services,
) -> None:
    owner = {"Authorization": f"Bearer {services.sign_in()['access_token']}"}
    called = set()
    for scope in ("tasks:read", "tasks:write"):
        headers = {"Authorization": f"Bearer {services.token(owner, scope)['token']}"}
        for path, operations in services.tasks.get("/openapi.json").json()["paths"].items():
            for method in operations:
                if not operations[method]["security"]:
                    continue
                # Without a body and a task, a caller with the scope gets another error than 403.
                url = path.replace("{task_id}", "1")
                answer = services.tasks.request(method, url, headers=headers)
                takes = "tasks:read" if method == "get" else "tasks:write"
                assert (answer.status_code != 403) is (scope == takes), (method, path, scope)
                called.add((method, path))
    assert len(called) > 8
