"""Whatever is sent, the caller is told what is wrong with it, and nothing ends as a 500."""

import json
from typing import Any

import httpx
import pytest

BAD_FIELDS: list[dict[str, Any]] = [
    {"title": None},
    {"title": ""},
    {"title": " \t\n"},
    {"title": 7},
    {"title": "x" * 256},
    {"title": "a\x00b"},
    {"title": "a\ud800b"},
    {"description": "a\x00b"},
    {"description": "\udfff"},
    {"description": "x" * 10_001},
    {"status": None},
    {"status": "finished"},
    {"priority": None},
    {"priority": "urgent"},
    {"is_completed": None},
    {"is_completed": "perhaps"},
    {"due_date": "tomorrow"},
    {"due_date": float("nan")},
    {"due_date": float("inf")},
    {"due_date": 10**400},
    {"due_date": "0001-01-01T00:00:00+14:00"},
    {"due_date": "9999-12-31T23:59:59-14:00"},
    {"due_date": "12345-01-01T00:00:00Z"},
]


def _body(fields: dict[str, Any]) -> bytes:
    # Not httpx's own encoder, because it refuses NaN.
    return json.dumps({"title": "a", **fields}).encode()


@pytest.mark.parametrize("fields", BAD_FIELDS, ids=ascii)
def test_a_bad_field_is_named_in_a_422(ada: httpx.Client, fields: dict[str, Any]) -> None:
    task = ada.post("/", json={"title": "kept"}).json()
    json_type = {"Content-Type": "application/json"}

    for answer in (
        ada.post("/", content=_body(fields), headers=json_type),
        ada.put(f"/{task['id']}", content=_body(fields), headers=json_type),
        ada.patch(f"/{task['id']}", content=_body(fields), headers=json_type),
    ):
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"].split(".")[0] == next(iter(fields))
    assert [each["title"] for each in ada.get("/").json()] == ["kept"]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"title"', b"{}", b"7", b"", b"NaN"])
def test_a_body_without_a_title_is_refused(ada: httpx.Client, body: bytes) -> None:
    answer = ada.post("/", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"title": }', b"[" * 100_000])
def test_a_body_that_is_not_json_is_refused(ada: httpx.Client, body: bytes) -> None:
    answer = ada.post("/", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        f"limit={10**30}",
        "limit=NaN",
        "skip=-1",
        "skip=1001",
        f"skip={10**30}",
        "status=finished",
        "status=",
        "priority=urgent",
        "q=",
        "q=%00",
        f"q={'x' * 201}",
        "due_before=soon",
        "due_after=0001-01-01T00:00:00%2B14:00",
        "due_before=nan",
        "overdue=perhaps",
        "sort=owner_id",
        "sort=",
        "sort=--title",
        "cursor=",
        "cursor=nonsense",
        "cursor=%00",
        "cursor=%C3%A9",
        f"cursor={'A' * 65}",
        "cursor=f_______________",
    ],
)
def test_a_bad_query_is_refused(ada: httpx.Client, query: str) -> None:
    assert ada.get(f"/?{query}").status_code == 422


def test_a_query_that_is_not_utf_8_finds_nothing(ada: httpx.Client) -> None:
    assert ada.get("/?q=%ff%fe").json() == []


@pytest.mark.parametrize(
    "task_id", ["0", "-1", str(2**31), str(2**63), "9" * 5000, "NaN", "1.5", "%20", "x"]
)
@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("GET", ""),
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PATCH", "/complete"),
        ("PATCH", "/incomplete"),
        ("POST", "/restore"),
    ],
)
def test_an_impossible_id_is_refused(
    ada: httpx.Client, method: str, call: str, task_id: str
) -> None:
    body = {"title": "a"} if method.startswith("P") and not call else None

    assert ada.request(method, f"/{task_id}{call}", json=body).status_code == 422


def test_the_largest_id_is_simply_not_there(ada: httpx.Client) -> None:
    assert ada.get(f"/{2**31 - 1}").status_code == 404


@pytest.mark.parametrize("tag", ['"0"', '""', "1", 'W/"1"', '"99999999999999999999"', ",,", "é"])
def test_an_if_match_that_names_no_version_of_ours_lets_nothing_through(
    ada: httpx.Client, tag: str
) -> None:
    task = ada.post("/", json={"title": "a"}).json()

    answer = ada.delete(f"/{task['id']}", headers={b"If-Match": tag.encode()})

    assert answer.status_code == 412
