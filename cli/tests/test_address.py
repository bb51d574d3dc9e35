"""What is the address of a gateway, and what is not."""

import pytest

from tasktracker_cli.address import DEFAULT_URL, Gateway
from tasktracker_cli.errors import UsageError


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://LocalHost:8000/", "http://localhost:8000"),
        ("HTTP://example.com:80", "http://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com:80", "https://example.com:80"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_has_one_spelling(url: str, origin: str) -> None:
    assert Gateway.parse(url).origin == origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://localhost",
        "http://",
        "http://localhost:99999",
        "http://localhost:8000/api",
        "http://localhost/?a=1",
        "http://localhost/#a",
        "http://ada:secret@localhost",
        "http://[::1",
        "http://exa mple",
        "http://exämple",
    ],
)
def test_what_is_no_origin_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        Gateway.parse(url)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("tasks.example.com", "https://tasks.example.com"),
        ("tasks.example.com:8443/", "https://tasks.example.com:8443"),
        ("no host", DEFAULT_URL),
    ],
)
def test_an_address_without_its_scheme_is_refused_with_the_whole_address(
    given: str, meant: str
) -> None:
    with pytest.raises(UsageError) as refused:
        Gateway.parse(given)
    assert refused.value.hint == f"Give one like: {meant}"
