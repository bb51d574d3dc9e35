"""Swagger UI from our own origin."""

import httpx

from servicekit import app as application
from servicekit import docs
from servicekit.testing import client as testing_client

EVIL = '<script>alert("x")</script>'


def page(documents: dict[str, str]) -> httpx.Response:
    app = application.create(EVIL, "1")
    docs.install(app, documents)
    with testing_client.running(app) as client:
        return client.get("/docs")


def test_several_documents_have_a_link_each() -> None:
    text = page({"user-service": "/openapi/user.json", "task-service": "/openapi/task.json"}).text
    assert '<a href="?api=user-service">user-service</a>' in text
    assert '["task-service", "/openapi/task.json"]' in text


def test_one_document_needs_no_links() -> None:
    assert "<a " not in page({"user-service": "/openapi.json"}).text


def test_names_are_escaped() -> None:
    assert EVIL not in page({EVIL: "/a.json", "b": "/b.json"}).text


def test_no_public_server_validates_our_document() -> None:
    assert "validatorUrl: null" in page({"a": "/a.json"}).text
