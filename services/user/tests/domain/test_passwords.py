import asyncio
import os
import threading
from collections.abc import Iterator

import pytest

from user_service.domain.errors import HashingBusyError
from user_service.domain.passwords import Passwords

CLIENT = "198.51.100.7"

pytestmark = pytest.mark.anyio


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(cost=4, workers=2, queue=8)
    yield passwords
    passwords.close()


@pytest.mark.parametrize("password", ["securepass123", "pässwörd-密码-🔑", "x" * 128, "☃" * 128])
async def test_a_password_matches_its_own_hash_and_no_other(
    passwords: Passwords, password: str
) -> None:
    hashed = await passwords.hash(password, CLIENT)

    assert passwords.matches(password, hashed)
    assert not passwords.matches(password + "!", hashed)
    assert password not in hashed


@pytest.mark.parametrize("character", ["a", "é", "☃"])
async def test_what_comes_after_72_bytes_counts(passwords: Passwords, character: str) -> None:
    hashed = await passwords.hash(character * 100 + "1", CLIENT)

    assert not passwords.matches(character * 100 + "2", hashed)


async def test_the_same_password_is_never_hashed_the_same_twice(passwords: Passwords) -> None:
    assert await passwords.hash("securepass123", CLIENT) != await passwords.hash(
        "securepass123", CLIENT
    )


async def test_the_cost_is_the_one_asked_for(passwords: Passwords) -> None:
    assert "$bcrypt-sha256$v=2,t=2b,r=4$" in await passwords.hash("securepass123", CLIENT)


async def test_a_full_queue_is_refused_at_once_and_empties_again() -> None:
    passwords = Passwords(cost=8, workers=1, queue=2)
    attempts = [passwords.hash("securepass123", CLIENT) for _ in range(10)]

    outcomes = await asyncio.gather(*attempts, return_exceptions=True)

    assert sum(isinstance(outcome, HashingBusyError) for outcome in outcomes) == 7
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 3
    assert await passwords.hash("securepass123", CLIENT)
    passwords.close()


async def test_a_caller_who_gives_up_frees_the_place() -> None:
    passwords = Passwords(cost=8, workers=1, queue=1)
    for _ in range(6):
        waiting = [asyncio.create_task(passwords.hash("securepass123", CLIENT)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await waiting[0]
    assert await passwords.hash("securepass123", CLIENT)
    passwords.close()


async def test_hashing_leaves_the_loop_free() -> None:
    passwords = Passwords(cost=8, workers=1, queue=9)
    hashing = asyncio.gather(*(passwords.hash("securepass123", CLIENT) for _ in range(10)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0.001)
        turns += 1

    assert turns > 10
    passwords.close()


async def test_hashing_gives_way_to_everything_else(passwords: Passwords) -> None:
    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert await passwords.run(priority, CLIENT) > priority()


async def test_nobodys_password_is_none(passwords: Passwords) -> None:
    assert passwords.matches("securepass123", None) is False
