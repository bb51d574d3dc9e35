"""What servicekit makes of FastAPI's OpenAPI documents."""

from typing import Any

from fastapi import FastAPI

from servicekit import openapi


def test_each_call_says_whether_it_needs_a_token(app: FastAPI) -> None:
    paths = app.openapi()["paths"]

    assert paths["/notes/"]["get"]["security"] == [{"token": []}]
    assert paths["/notes/{identifier}"]["get"]["security"] == []


def test_a_problem_is_described_only_where_a_call_answers_with_one(app: FastAPI) -> None:
    assert "Problem" not in app.openapi()["components"]["schemas"]

    app.openapi_schema = None
    app.get("/lost", responses=openapi.problems(404))(lambda: None)
    assert "Problem" in app.openapi()["components"]["schemas"]


def refer(*names: str) -> dict[str, Any]:
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}


def test_a_schema_stays_where_a_used_one_refers_to_it() -> None:
    schemas = {"A": refer("B"), "B": refer("A", "C"), "C": {}, "D": refer("A")}
    document = {"paths": {"/": refer("A")}, "components": {"schemas": schemas}}

    kept = openapi.with_used_schemas(document)["components"]["schemas"]

    assert list(kept) == ["A", "B", "C"]
