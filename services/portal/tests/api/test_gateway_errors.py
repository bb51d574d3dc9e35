"""The bodies of the gateway's own errors."""

import httpx
import pytest

from servicekit.testing.conformance import assert_problem

PAGE = "/gateway-errors"


@pytest.mark.parametrize(
    ("code", "slug", "said"),
    [
        (431, "request-header-fields-too-large", "too many header fields"),
        (502, "bad-gateway", "task-service broke off"),
        (504, "gateway-timeout", "task-service did not answer in time"),
    ],
)
def test_an_answer_that_no_service_gave_is_a_problem_of_the_url_asked_for(
    client: httpx.Client, code: int, slug: str, said: str
) -> None:
    url = "/api/v1/tasks/7%20b?limit=1&q=a%26b"
    answer = client.get(f"{PAGE}/{code}", params={"url": url}, headers={"X-Request-ID": "abc"})

    assert_problem(answer, code)
    problem = answer.json()
    assert problem["type"] == f"/problems/{slug}"
    assert problem["instance"] == "/api/v1/tasks/7%20b"
    assert problem["request_id"] == answer.headers["x-request-id"] == "abc"
    assert said in problem["detail"]


@pytest.mark.parametrize("code", [502, 504])
def test_what_may_work_later_says_when(client: httpx.Client, code: int) -> None:
    assert client.get(f"{PAGE}/{code}").headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "url", ["/", "/nothing", "", "//%5B", "//%5B%3Fa", "%2F%25ff%2500", "%3F", "%ED%A0%80", "%00"]
)
def test_no_url_breaks_the_page(client: httpx.Client, url: str) -> None:
    answer = client.get(f"{PAGE}/502?url={url}")

    assert_problem(answer, 502)
    assert answer.json()["detail"].startswith("The portal broke off")


@pytest.mark.parametrize("code", [200, 404, 413, 500, 503])
def test_there_is_no_page_for_what_services_answer_themselves(
    client: httpx.Client, code: int
) -> None:
    assert_problem(client.get(f"{PAGE}/{code}"), 404)


def test_a_code_that_is_none_is_refused(client: httpx.Client) -> None:
    assert_problem(client.get(f"{PAGE}/teapot"), 422)
