"""Which client gets the next slot, and which request is refused. Each letter is one request."""

import asyncio

import pytest

from user_service.domain.errors import HashingBusyError
from user_service.hashing.fair_queue import FairQueue

pytestmark = pytest.mark.anyio


class Requests:
    """Requests for a slot of one queue, and the clients that got one so far."""

    def __init__(self, *, slots: int, places: int) -> None:
        self.queue = FairQueue(slots=slots, places=places)
        self.served: list[str] = []
        self.refused: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def arrive(self, *clients: str) -> None:
        for client in clients:
            self.tasks.append(asyncio.create_task(self.request(client)))
            await asyncio.sleep(0)

    async def release(self, times: int) -> None:
        for _ in range(times):
            self.queue.release()
            await asyncio.sleep(0)

    async def request(self, client: str) -> None:
        try:
            await self.queue.acquire(client)
        except HashingBusyError:
            self.refused.append(client)
        else:
            self.served.append(client)


async def test_one_client_alone_is_served_in_order_and_may_fill_the_queue() -> None:
    requests = Requests(slots=2, places=3)
    await requests.arrive(*"aaaaaa")

    assert requests.served == [*"aa"]
    assert requests.refused == ["a"]
    await requests.release(5)
    assert requests.served == [*"aaaaa"]


async def test_clients_are_served_in_turn_however_many_requests_one_of_them_has() -> None:
    requests = Requests(slots=1, places=8)
    await requests.arrive(*"aaaaabbc")
    await requests.release(7)

    assert requests.served == [*"aabcabaa"]


async def test_a_new_client_takes_the_last_place_of_the_client_with_the_most() -> None:
    requests = Requests(slots=1, places=4)
    await requests.arrive(*"aaaaa")
    await requests.arrive("b", "c")
    await requests.release(4)

    assert requests.refused == [*"aa"]
    assert requests.served == [*"aabca"]


async def test_a_client_takes_no_place_from_one_that_has_no_more_than_itself() -> None:
    requests = Requests(slots=1, places=3)
    await requests.arrive(*"xabc")
    await requests.arrive(*"da")

    assert requests.refused == [*"da"]


async def test_a_cancelled_request_leaves_its_place_to_the_next() -> None:
    requests = Requests(slots=1, places=2)
    await requests.arrive(*"aab")
    requests.tasks[1].cancel()
    await asyncio.sleep(0)
    await requests.arrive("c")
    await requests.release(2)

    assert requests.served == [*"abc"]
    assert requests.refused == []


@pytest.mark.parametrize("first", ["release", "cancel"])
async def test_a_slot_given_to_a_request_cancelled_at_that_moment_is_not_lost(first: str) -> None:
    requests = Requests(slots=1, places=2)
    await requests.arrive(*"ab")
    if first == "release":
        requests.queue.release()
        requests.tasks[1].cancel()
    else:
        requests.tasks[1].cancel()
        requests.queue.release()
    await asyncio.sleep(0)
    await requests.arrive("c")

    assert requests.served == [*"ac"]


async def test_a_place_taken_from_a_request_cancelled_at_that_moment_is_taken_once() -> None:
    requests = Requests(slots=1, places=2)
    await requests.arrive(*"aaa")
    requests.tasks[2].cancel()
    requests.tasks.append(asyncio.create_task(requests.request("b")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await requests.arrive("c")
    await requests.release(3)

    assert requests.served == [*"aabc"] or requests.served == [*"aab"]


async def test_without_places_only_requests_with_a_slot_are_taken() -> None:
    requests = Requests(slots=1, places=0)
    await requests.arrive(*"ab")
    await requests.release(1)
    await requests.arrive("b")

    assert requests.refused == ["b"]
    assert requests.served == [*"ab"]


async def test_a_slot_is_free_again_after_a_block_that_failed() -> None:
    queue = FairQueue(slots=1, places=0)
    with pytest.raises(ZeroDivisionError):
        async with queue.slot("a"):
            raise ZeroDivisionError

    async with queue.slot("b"):
        with pytest.raises(HashingBusyError):
            await queue.acquire("c")
