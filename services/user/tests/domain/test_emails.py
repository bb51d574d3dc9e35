"""Email addresses have one spelling."""

import pytest

from user_service.domain import emails


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        ("john@example.com", "john@example.com"),
        ("John@EXAMPLE.com", "John@example.com"),
        ("john@team.test", "john@team.test"),
        (
            "e\N{COMBINING ACUTE ACCENT}ve@example.com",
            "\N{LATIN SMALL LETTER E WITH ACUTE}ve@example.com",
        ),
        ("john@xn--bcher-kva.example", "john@b\u00fccher.example"),
    ],
)
def test_an_address_has_one_spelling(address: str, stored: str) -> None:
    assert emails.normalize(address) == stored


@pytest.mark.parametrize(
    "address",
    [
        "",
        "john",
        "john@",
        "@example.com",
        "a@b@example.com",
        "John <john@example.com>",
        "john@localhost",
        "john@team.invalid",
        "john @example.com",
        "john@example.com\n",
        "x" * 300 + "@example.com",
    ],
)
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        emails.normalize(address)
