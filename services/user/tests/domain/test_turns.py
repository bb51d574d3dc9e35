import asyncio

import pytest

from user_service.domain.errors import HashingBusyError
from user_service.domain.turns import Turns

pytestmark = pytest.mark.anyio


class Hall:
    """People who wait for a turn, and who has got one so far."""

    def __init__(self, *, running: int, waiting: int) -> None:
        self.turns = Turns(running=running, waiting=waiting)
        self.served: list[str] = []
        self.refused: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, *clients: str) -> None:
        for client in clients:
            self.tasks.append(asyncio.create_task(self._stand(client)))
            await asyncio.sleep(0)

    async def serve(self, times: int) -> None:
        for _ in range(times):
            self.turns.leave()
            await asyncio.sleep(0)

    async def _stand(self, client: str) -> None:
        try:
            await self.turns.wait(client)
        except HashingBusyError:
            self.refused.append(client)
        else:
            self.served.append(client)


async def test_one_client_alone_is_served_in_order_and_may_fill_the_queue() -> None:
    hall = Hall(running=2, waiting=3)
    await hall.come(*"aaaaaa")

    assert hall.served == [*"aa"]
    assert hall.refused == ["a"]
    await hall.serve(5)
    assert hall.served == [*"aaaaa"]


async def test_clients_take_turns_however_many_wait_for_one_of_them() -> None:
    hall = Hall(running=1, waiting=8)
    await hall.come(*"aaaaabbc")
    await hall.serve(7)

    assert hall.served == [*"aabcabaa"]


async def test_a_newcomer_takes_the_place_of_the_crowds_last_one() -> None:
    hall = Hall(running=1, waiting=4)
    await hall.come(*"aaaaa")
    await hall.come("b", "c")
    await hall.serve(4)

    assert hall.refused == [*"aa"]
    assert hall.served == [*"aabca"]


async def test_nobody_takes_a_place_from_one_who_has_no_more_than_himself() -> None:
    hall = Hall(running=1, waiting=3)
    await hall.come(*"xabc")
    await hall.come(*"da")

    assert hall.refused == [*"da"]


async def test_who_gives_up_leaves_his_place_to_the_next() -> None:
    hall = Hall(running=1, waiting=2)
    await hall.come(*"aab")
    hall.tasks[1].cancel()
    await asyncio.sleep(0)
    await hall.come("c")
    await hall.serve(2)

    assert hall.served == [*"abc"]
    assert hall.refused == []


@pytest.mark.parametrize("first", ["leave", "cancel"])
async def test_a_turn_given_to_who_gives_up_at_that_moment_is_not_lost(first: str) -> None:
    hall = Hall(running=1, waiting=2)
    await hall.come(*"ab")
    if first == "leave":
        hall.turns.leave()
        hall.tasks[1].cancel()
    else:
        hall.tasks[1].cancel()
        hall.turns.leave()
    await asyncio.sleep(0)
    await hall.come("c")

    assert hall.served == [*"ac"]


async def test_a_place_taken_from_who_gives_up_at_that_moment_is_taken_once() -> None:
    hall = Hall(running=1, waiting=2)
    await hall.come(*"aaa")
    hall.tasks[2].cancel()
    hall.tasks.append(asyncio.create_task(hall._stand("b")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await hall.come("c")
    await hall.serve(3)

    assert hall.served == [*"aabc"] or hall.served == [*"aab"]


async def test_without_a_queue_only_those_who_run_are_taken() -> None:
    hall = Hall(running=1, waiting=0)
    await hall.come(*"ab")
    await hall.serve(1)
    await hall.come("b")

    assert hall.refused == ["b"]
    assert hall.served == [*"ab"]
