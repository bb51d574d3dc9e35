"""A service that sees a personal access token asks about it, and remembers the answer."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from servicekit.errors import ServiceUnavailable, Unauthenticated
from servicekit.personal_tokens import CACHE_SECONDS, PATH, PersonalTokens
from servicekit.principal import Principal

pytestmark = pytest.mark.anyio

TOKEN = "ttpat_" + "x" * 43
ID = uuid4()
GRANT = {"id": str(ID), "user_id": 7, "scopes": ["tasks:read"], "seconds": 1000.0}


class UserService:
    """Gives a set answer, and counts the calls."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, json=GRANT)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == PATH
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        self.asked += 1
        return self.answer()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def user_service() -> UserService:
    return UserService()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def tokens(user_service: UserService, clock: Clock) -> AsyncIterator[PersonalTokens]:
    transport = httpx.MockTransport(user_service)
    async with httpx.AsyncClient(transport=transport, base_url="http://users") as client:
        yield PersonalTokens(client, clock)


async def test_a_token_is_asked_about_once_a_minute(
    tokens: PersonalTokens, user_service: UserService, clock: Clock
) -> None:
    principal = Principal(7, False, session_id=ID, scopes=frozenset({"tasks:read"}))
    for _ in range(3):
        assert await tokens.verify(TOKEN) == principal
    assert user_service.asked == 1

    clock.now += CACHE_SECONDS
    assert await tokens.verify(TOKEN) == principal
    assert user_service.asked == 2


async def test_a_token_is_not_remembered_beyond_its_end(
    tokens: PersonalTokens, user_service: UserService, clock: Clock
) -> None:
    user_service.answer = lambda: httpx.Response(200, json=GRANT | {"seconds": 5})
    await tokens.verify(TOKEN)
    user_service.answer = lambda: httpx.Response(404)
    clock.now += 5
    with pytest.raises(Unauthenticated):
        await tokens.verify(TOKEN)


async def test_a_token_that_the_user_service_does_not_know_is_refused_and_not_remembered(
    tokens: PersonalTokens, user_service: UserService
) -> None:
    user_service.answer = lambda: httpx.Response(404)
    with pytest.raises(Unauthenticated):
        await tokens.verify(TOKEN)
    user_service.answer = lambda: httpx.Response(200, json=GRANT)
    assert (await tokens.verify(TOKEN)).user_id == 7


@pytest.mark.parametrize("token", ["ttpat_", TOKEN + "x", TOKEN[:-1] + "!", TOKEN + "\n", "x"])
async def test_what_has_not_the_form_of_a_token_costs_no_call(
    tokens: PersonalTokens, user_service: UserService, token: str
) -> None:
    with pytest.raises(Unauthenticated):
        await tokens.verify(token)
    assert user_service.asked == 0


def unreachable() -> httpx.Response:
    raise httpx.ConnectError("refused")


NONSENSE: list[Any] = [
    [],
    GRANT | {"user_id": 0},
    GRANT | {"user_id": 2**31},
    GRANT | {"id": "x"},
    GRANT | {"scopes": "tasks:read"},
    GRANT | {"seconds": -1},
]


@pytest.mark.parametrize(
    "answer",
    [
        unreachable,
        lambda: httpx.Response(503),
        lambda: httpx.Response(403, text="RBAC: access denied"),
        lambda: httpx.Response(200, text="<html>"),
        *(lambda body=body: httpx.Response(200, json=body) for body in NONSENSE),
    ],
)
async def test_while_nobody_can_be_asked_a_remembered_token_goes_on_and_others_are_a_503(
    tokens: PersonalTokens,
    user_service: UserService,
    clock: Clock,
    answer: Callable[[], httpx.Response],
) -> None:
    await tokens.verify(TOKEN)
    user_service.answer = answer
    assert (await tokens.verify(TOKEN)).user_id == 7

    clock.now += CACHE_SECONDS
    with pytest.raises(ServiceUnavailable):
        await tokens.verify(TOKEN)
