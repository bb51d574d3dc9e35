"""Creation with an Idempotency-Key, also from several clients at once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, func, select, update

from servicekit.testing.conformance import assert_problem
from task_service.persistence.tables import idempotency_keys as keys

BODY: dict[str, Any] = {"title": "a", "due_date": "2030-01-01", "is_completed": True}


def _create(client: httpx.Client, key: str, **fields: Any) -> httpx.Response:
    return client.post("/", json=BODY | fields, headers={"Idempotency-Key": key})


def _answer(response: httpx.Response) -> tuple[int, bytes, str, str]:
    headers = response.headers
    return response.status_code, response.content, headers["Location"], headers["ETag"]


def _age(database: Engine, key: str, age: timedelta) -> None:
    with database.begin() as connection:
        statement = update(keys).where(keys.c.key == key)
        connection.execute(statement.values(created_at=func.now() - age))


def test_the_same_key_and_body_get_the_same_answer_and_one_task(ada: httpx.Client) -> None:
    once, again = _create(ada, "k"), _create(ada, "k")

    assert once.status_code == 201
    assert _answer(again) == _answer(once)
    assert ada.get("/").json() == [once.json()]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in once.headers


@pytest.mark.parametrize("change", ["patch", "delete"])
def test_the_answer_stays_what_it_was_when_the_task_does_not(
    ada: httpx.Client, change: str
) -> None:
    once = _create(ada, "k")
    path = f"/{once.json()['id']}"
    _ = ada.delete(path) if change == "delete" else ada.patch(path, json={"title": "b"})

    assert _answer(_create(ada, "k")) == _answer(once)


def test_the_same_fields_in_other_words_are_the_same_body(ada: httpx.Client) -> None:
    once = _create(ada, "k")
    spelt = b'{"status":"done" , "due_date": "2030-01-01T01:00:00+01:00", "title": " a "}'
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}

    assert _answer(ada.post("/", content=spelt, headers=headers)) == _answer(once)


@pytest.mark.parametrize("fields", [{"title": "b"}, {"priority": "low"}, {"due_date": None}])
def test_the_same_key_with_another_body_is_refused(
    ada: httpx.Client, fields: dict[str, Any]
) -> None:
    once = _create(ada, "k")

    answer = _create(ada, "k", **fields)

    assert_problem(answer, 422)
    assert answer.json()["type"] == "/problems/idempotency-key-reused"
    assert ada.get("/").json() == [once.json()]


def test_other_keys_and_other_owners_make_tasks_of_their_own(
    ada: httpx.Client, bob: httpx.Client
) -> None:
    answers = [_create(ada, "k"), _create(ada, "K"), _create(bob, "k")]

    assert len({answer.json()["id"] for answer in answers}) == 3


def test_a_refused_body_does_not_use_up_its_key(ada: httpx.Client) -> None:
    assert _create(ada, "k", title="").status_code == 422
    assert _create(ada, "k", status="todo").status_code == 422

    assert _create(ada, "k").status_code == 201


def _create_at_once(client: httpx.Client, key: str) -> list[httpx.Response]:
    callers = 16
    start = threading.Barrier(callers)

    def create(_: int) -> httpx.Response:
        start.wait()
        return _create(client, key)

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(create, range(callers)))


def test_of_concurrent_creates_with_one_key_one_makes_the_task(ada: httpx.Client) -> None:
    answers = _create_at_once(ada, "k")

    assert len(set(map(_answer, answers))) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert len(ada.get("/").json()) == 1


def test_of_concurrent_creates_with_an_expired_key_one_makes_a_new_task(
    ada: httpx.Client, database: Engine
) -> None:
    once = _create(ada, "expired")
    _age(database, "expired", timedelta(hours=25))

    answers = _create_at_once(ada, "expired")

    assert len(set(map(_answer, answers))) == 1
    assert _answer(answers[0]) != _answer(once)
    assert len(ada.get("/").json()) == 2


def test_a_key_is_kept_for_a_day(ada: httpx.Client, database: Engine) -> None:
    once = _create(ada, "day")
    _age(database, "day", timedelta(hours=23, minutes=59))
    assert _answer(_create(ada, "day")) == _answer(once)

    _age(database, "day", timedelta(hours=24, minutes=1))
    later = _create(ada, "day", title="b")

    assert later.status_code == 201
    assert _answer(_create(ada, "day", title="b")) == _answer(later)


def test_new_keys_take_the_expired_ones_away(ada: httpx.Client, database: Engine) -> None:
    for number in range(15):
        _create(ada, f"old-{number}")
        _age(database, f"old-{number}", timedelta(days=2))

    for number in range(2):
        _create(ada, f"new-{number}")

    with database.connect() as connection:
        old = select(func.count()).where(keys.c.key.like("old-%"))
        assert connection.scalar(old) == 0
        assert connection.scalar(select(func.count()).where(keys.c.key.like("new-%"))) == 2


@pytest.mark.parametrize("key", ["!", "~", '"quoted"', "x" * 255])
def test_a_key_is_any_visible_ascii(ada: httpx.Client, key: str) -> None:
    assert _create(ada, key).status_code == 201


@pytest.mark.parametrize("key", [b"", b" ", b"a b", b"x" * 256, b"\x7f", "é".encode(), b"a\tb"])
def test_any_other_key_is_refused(ada: httpx.Client, key: bytes) -> None:
    answer = ada.post("/", json=BODY, headers={b"Idempotency-Key": key})

    assert_problem(answer, 422)
    assert [error["field"] for error in answer.json()["errors"]] == ["idempotency-key"]
    assert ada.get("/").json() == []
