"""Lists: pages, sorts and filters."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any
from urllib.parse import quote

import httpx
import pytest

MakeMany = Callable[[httpx.Client, int], list[int]]


def _create(client: httpx.Client, *titles: str, **fields: Any) -> list[int]:
    return [client.post("/", json={"title": title, **fields}).json()["id"] for title in titles]


def _pages(client: httpx.Client, query: str) -> Iterator[list[int]]:
    """Yield the ids of each page, following the Link headers."""
    answer = client.get(f"/?{query}")
    yield [task["id"] for task in answer.json()]
    while following := answer.links.get("next"):
        answer = client.get(following["url"].removeprefix("/api/v1/tasks"))
        assert answer.status_code == 200
        yield [task["id"] for task in answer.json()]


def _titles(client: httpx.Client, query: str = "") -> list[str]:
    answer = client.get(f"/?{query}")
    assert answer.status_code == 200, answer.text
    return sorted(task["title"] for task in answer.json())


def test_newest_come_first_and_oldest_on_demand(ada: httpx.Client) -> None:
    ids = _create(ada, "a", "b", "c")

    assert [task["id"] for task in ada.get("/").json()] == ids[::-1]
    assert [task["id"] for task in ada.get("/?sort=created_at").json()] == ids


# The id decides between equal tasks, so the reverse order is exactly the mirror image.
@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("created_at", "abcdefg"),
        ("due_date", "cfabdeg"),
        ("priority", "cgadebf"),
        ("title", "fabgedc"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_in_any_order_hold_every_task_once(
    ada: httpx.Client, sort: str, order: str, limit: int
) -> None:
    early, late = "2030-01-01T00:00:00.000001Z", "2030-01-01T00:00:00.000002Z"
    bodies = {
        "a": {"title": "Apple", "due_date": late},
        "b": {"title": "apple", "due_date": late, "priority": "high"},
        "c": {"title": "été", "due_date": early, "priority": "low"},
        "d": {"title": "Zebra"},
        "e": {"title": "pear"},
        "f": {"title": "\x01", "due_date": early, "priority": "high"},
        "g": {"title": "APPLE pie", "priority": "low"},
    }
    names = {ada.post("/", json=body).json()["id"]: name for name, body in bodies.items()}

    for direction, expected in (("", order), ("-", order[::-1])):
        pages = list(_pages(ada, f"limit={limit}&sort={direction}{sort}"))
        assert "".join(names[each] for each in chain(*pages)) == expected
        assert {len(page) for page in pages[:-1]} <= {limit}


@pytest.mark.parametrize("query", ["sort=title", "sort=-created_at&status=todo", "q=a", "q="])
def test_a_cursor_of_another_list_is_refused(ada: httpx.Client, query: str) -> None:
    _create(ada, *"abc")
    cursor = ada.get("/?limit=1").links["next"]["url"].rpartition("cursor=")[2]

    answer = ada.get(f"/?{query}&cursor={cursor}")

    assert answer.status_code == 422


@pytest.mark.parametrize("query", ["cursor=1&cursor=2", "limit=1&limit=1", "status=todo&status=x"])
def test_a_parameter_given_twice_is_refused_by_name(ada: httpx.Client, query: str) -> None:
    answer = ada.get(f"/?{query}")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [query.partition("=")[0]]


def test_a_cursor_serves_pages_of_any_length(ada: httpx.Client) -> None:
    ids = _create(ada, *"abcd")
    cursor = ada.get("/?limit=1").links["next"]["url"].rpartition("cursor=")[2]

    answer = ada.get(f"/?sort=-created_at&limit=2&cursor={cursor}")

    assert [task["id"] for task in answer.json()] == ids[2:0:-1]


def test_the_longest_title_fits_a_cursor(ada: httpx.Client) -> None:
    _create(ada, "\x01" * 255, "🎹" * 255, "b")

    assert len(list(_pages(ada, "limit=1&sort=title"))) == 3


def test_the_last_full_page_leads_nowhere(ada: httpx.Client) -> None:
    _create(ada, *"abcd")

    assert len(list(_pages(ada, "limit=2"))) == 2
    assert "Link" not in ada.get("/?limit=4").headers


def test_tasks_that_come_and_go_between_pages_lose_and_repeat_nothing(ada: httpx.Client) -> None:
    ids = _create(ada, *"abcdefghij")
    seen: list[int] = []

    for page in _pages(ada, "limit=2"):
        seen += page
        _create(ada, "newcomer")
        # Delete the task that the cursor points at.
        ada.delete(f"/{page[-1]}")

    assert seen == ids[::-1]


def test_tasks_of_one_instant_are_paged_by_id(ada: httpx.Client, make_many: MakeMany) -> None:
    ids = make_many(ada, 7)

    assert list(chain(*_pages(ada, "limit=2"))) == ids[::-1]


def test_the_next_page_keeps_the_filters_and_drops_skip(ada: httpx.Client) -> None:
    _create(ada, "a & b <1>", "a & b <2>", "a & b <3>", status="done")
    _create(ada, "a & b <4>")

    pages = list(_pages(ada, "status=done&q=a%20%26%20b%20%3C&limit=1&skip=1"))

    assert [len(page) for page in pages] == [1, 1]


def test_skip_serves_simple_clients(ada: httpx.Client) -> None:
    ids = _create(ada, "a", "b", "c")

    assert [task["id"] for task in ada.get("/?skip=1&limit=1").json()] == [ids[1]]
    assert ada.get("/?skip=1000").json() == []


def test_fifty_is_the_usual_page_and_two_hundred_the_largest(
    ada: httpx.Client, make_many: MakeMany
) -> None:
    make_many(ada, 201)

    assert len(ada.get("/").json()) == 50
    assert len(ada.get("/?limit=200").json()) == 200


def test_status_and_priority_filter_together(ada: httpx.Client) -> None:
    _create(ada, "a", status="done", priority="high")
    _create(ada, "b", status="done", priority="low")
    _create(ada, "c", status="todo", priority="high")

    assert _titles(ada, "status=done") == ["a", "b"]
    assert _titles(ada, "priority=high") == ["a", "c"]
    assert _titles(ada, "status=done&priority=high") == ["a"]


def test_text_is_found_in_title_and_description_in_any_case(ada: httpx.Client) -> None:
    _create(ada, "Call ÉMILE")
    _create(ada, "letter", description="to émile, 100%")
    _create(ada, "other", description=None)

    assert _titles(ada, "q=émile") == ["Call ÉMILE", "letter"]
    assert _titles(ada, "q=100%25") == ["letter"]


@pytest.mark.parametrize("wildcard", ["%", "_", "\\", "'", "%%", "a_c", "\\%", "%a%"])
def test_wildcards_are_text(ada: httpx.Client, wildcard: str) -> None:
    _create(ada, "plain", "abc", f"with {wildcard} in it")

    assert _titles(ada, f"q={quote(wildcard)}") == [f"with {wildcard} in it"]


def test_due_dates_bound_a_half_open_range(ada: httpx.Client) -> None:
    _create(ada, "first", due_date="2030-01-01T00:00:00Z")
    _create(ada, "second", due_date="2030-01-02T00:00:00Z")
    _create(ada, "never")

    assert _titles(ada, "due_after=2030-01-01&due_before=2030-01-02") == ["first"]
    assert _titles(ada, "due_after=2030-01-01T02:00:00%2B02:00") == ["first", "second"]


def test_overdue_is_open_and_past_and_everything_else_is_not(ada: httpx.Client) -> None:
    _create(ada, "late", due_date="2001-01-01")
    _create(ada, "late but done", due_date="2001-01-01", status="done")
    _create(ada, "in time", due_date="2999-01-01")
    _create(ada, "never")

    assert _titles(ada, "overdue=true") == ["late"]
    assert _titles(ada, "overdue=false") == ["in time", "late but done", "never"]
