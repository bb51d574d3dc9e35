"""Hashes themselves, the bound on how many run at once, and their priority."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator

import pytest

from user_service.domain.errors import HashingBusyError
from user_service.hashing.bcrypt_hasher import BcryptHasher

CLIENT = "198.51.100.7"
PASSWORD = "securepass123"

MakeHasher = Callable[..., BcryptHasher]

pytestmark = pytest.mark.anyio


@pytest.fixture
def make_hasher() -> Iterator[MakeHasher]:
    made = []

    def make(*, cost: int = 4, workers: int = 2, queue: int = 8) -> BcryptHasher:
        made.append(BcryptHasher(cost=cost, workers=workers, queue=queue))
        return made[-1]

    yield make
    for hasher in made:
        hasher.close()


@pytest.fixture
def hasher(make_hasher: MakeHasher) -> BcryptHasher:
    return make_hasher()


async def matches(hasher: BcryptHasher, password: str, hashed: str | None) -> bool:
    async with hasher.slot(CLIENT) as verify:
        return await verify(password, hashed)


@pytest.mark.parametrize("password", [PASSWORD, "pässwörd-密码-🔑", "x" * 128, "☃" * 128])
async def test_a_password_matches_its_own_hash_and_no_other(
    hasher: BcryptHasher, password: str
) -> None:
    hashed = await hasher.hash(password, CLIENT)

    assert await matches(hasher, password, hashed)
    assert not await matches(hasher, password + "!", hashed)
    assert password not in hashed


@pytest.mark.parametrize("character", ["a", "é", "☃"])
async def test_characters_after_72_bytes_count(hasher: BcryptHasher, character: str) -> None:
    hashed = await hasher.hash(character * 100 + "1", CLIENT)

    assert not await matches(hasher, character * 100 + "2", hashed)


async def test_the_same_password_is_never_hashed_the_same_twice(hasher: BcryptHasher) -> None:
    assert await hasher.hash(PASSWORD, CLIENT) != await hasher.hash(PASSWORD, CLIENT)


async def test_the_cost_is_the_one_asked_for(hasher: BcryptHasher) -> None:
    assert "$bcrypt-sha256$v=2,t=2b,r=4$" in await hasher.hash(PASSWORD, CLIENT)


async def test_no_password_matches_a_missing_hash(hasher: BcryptHasher) -> None:
    assert await matches(hasher, PASSWORD, None) is False


async def test_a_full_queue_is_refused_at_once_and_empties_again(make_hasher: MakeHasher) -> None:
    hasher = make_hasher(cost=8, workers=1, queue=2)
    attempts = [hasher.hash(PASSWORD, CLIENT) for _ in range(10)]

    outcomes = await asyncio.gather(*attempts, return_exceptions=True)

    assert sum(isinstance(outcome, HashingBusyError) for outcome in outcomes) == 7
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 3
    assert await hasher.hash(PASSWORD, CLIENT)


async def test_a_cancelled_request_frees_its_place(make_hasher: MakeHasher) -> None:
    hasher = make_hasher(cost=8, workers=1, queue=1)
    for _ in range(6):
        waiting = [asyncio.create_task(hasher.hash(PASSWORD, CLIENT)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await waiting[0]
    assert await hasher.hash(PASSWORD, CLIENT)


async def test_the_event_loop_goes_on_while_a_hash_is_computed(hasher: BcryptHasher) -> None:
    hashing = asyncio.create_task(hasher.hash(PASSWORD, CLIENT))
    await asyncio.sleep(0)

    # One more turn of the loop, and the result needs two: one in which it comes, one to wake up.
    assert not hashing.done()
    assert await hashing


async def test_hashing_has_a_lower_priority_than_the_rest(hasher: BcryptHasher) -> None:
    def priority(thread: threading.Thread) -> int:
        assert thread.native_id
        return os.getpriority(os.PRIO_PROCESS, thread.native_id)

    await hasher.hash(PASSWORD, CLIENT)

    [worker] = [each for each in threading.enumerate() if each.name.startswith("hashing")]
    assert priority(worker) > priority(threading.current_thread())
