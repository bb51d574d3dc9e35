import pytest

from user_service.domain import password_rules
from user_service.domain.errors import PasswordRefusedError


def check(password: str) -> None:
    password_rules.check(password, username="johnathan", email="john.doe.1@example.com")


@pytest.mark.parametrize(
    "password",
    ["password", "PassWord", "12345678", "qwertyuiop", "p@ssw0rd", "iloveyou", "1q2w3e4r"],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefusedError) as refused:
        check(password)

    assert refused.value.reason == "This is one of the most common passwords."


@pytest.mark.parametrize(
    "password",
    ["johnathan", "JOHNATHAN", "john.doe.1@example.com", "John.Doe.1@EXAMPLE.com", "john.doe.1"],
)
def test_ones_own_name_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefusedError) as refused:
        check(password)

    assert refused.value.reason == "This is your own username or email address."


@pytest.mark.parametrize(
    "password",
    [
        "securepass123",
        "allsmallletters",
        "        ",
        "johnathan johnathan",
        "correct horse battery staple",
        "\N{SNOWMAN}" * 8,
    ],
)
def test_there_are_no_rules_of_composition(password: str) -> None:
    check(password)
