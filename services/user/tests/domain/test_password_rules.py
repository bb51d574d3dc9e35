"""Which passwords are refused, for which reason, and how long that takes."""

import random
import string
import time
from contextlib import suppress

import pytest

from user_service.domain import password_rules
from user_service.domain.common_passwords import COMMON
from user_service.domain.errors import PasswordRefusedError
from user_service.domain.password_rules import Owner

COMMON_ONE = "This is among the most common passwords."
REGULAR = "This is little more than repeats, sequences or neighbouring keys."
KNOWN = "This is little more than your own name or address, or the product's name."

DOERR = "D\N{LATIN SMALL LETTER O WITH STROKE}rr"
SIGNS = "\N{SNOWMAN}\N{UMBRELLA}\N{COMET}\N{BLACK SUN WITH RAYS}\N{BLACK STAR}\N{HOT SPRINGS}"
OWNER = Owner("joenathan", "john.doe.1@mail.example.com", f"Jonathan {DOERR}")


def check(password: str) -> None:
    password_rules.check(password, OWNER)


def reason(password: str) -> str:
    with pytest.raises(PasswordRefusedError) as refused:
        check(password)
    return refused.value.reason


@pytest.mark.parametrize(
    "password",
    [
        *("password", "PassWord", "12345678", "qwertyuiop", "p@ssw0rd", "iloveyou", "1q2w3e4r"),
        *("87654321", "987654321", "88888888", "123123123", "aaaaaaaa", "abcdefgh", "jennifer"),
    ],
)
def test_what_everybody_tries_first_is_refused(password: str) -> None:
    assert reason(password) == COMMON_ONE


def test_the_list_has_all_of_the_hundred_thousand_that_are_long_enough() -> None:
    assert 35_000 < len(COMMON) < 40_000
    assert all(word == word.casefold() for word in COMMON)


@pytest.mark.parametrize(
    "password",
    [
        "        ",
        "\N{SNOWMAN}" * 8,
        "x7_" * 10,
        "aaaaaaaabbbbbbbb",
        "abcdefgh12345678",
        "uvwxyzabcdef",
        "\u0430\u0431\u0432\u0433\u0434\u0435\u0436\u0437",
        "zxcvbnm,./",
        "ASDFGHJKL;'",
        "qwert67890",
        "ab" * 64,
    ],
)
def test_what_follows_a_rule_is_refused(password: str) -> None:
    assert reason(password) == REGULAR


@pytest.mark.parametrize(
    "password",
    [
        "joenathan",
        "JOENATHAN",
        "joenathan joenathan",
        "Joenathan123",
        "john.doe.1@mail.example.com",
        "John.Doe.1@EXAMPLE.com",
        "john.doe.1",
        "mail.example",
        f"Jonathan {DOERR}!",
        "tasktracker",
        "TaskTracker2026",
        "!tracker4",
        "joenathan's tracker",
    ],
)
def test_the_users_own_name_and_the_products_are_refused(password: str) -> None:
    assert reason(password) == KNOWN


@pytest.mark.parametrize(
    "password",
    [
        "securepass123",
        "allsmallletters",
        "correct horse battery staple",
        "joenathan likes horses",
        "my task is to sleep",
        "kTq9!x2m",
        SIGNS,
    ],
)
def test_there_are_no_rules_of_composition(password: str) -> None:
    check(password)


def test_what_a_program_chooses_is_taken() -> None:
    chance = random.Random(7)
    alphabet = string.ascii_letters + string.digits

    for _ in range(500):
        check("".join(chance.choices(alphabet, k=12)))


@pytest.mark.parametrize("piece", ["a", "ab", "task", "4@8({[<6&9#!1|7$50+%2" * 3, "qwerty", "12"])
def test_no_password_takes_long_to_judge(piece: str) -> None:
    password = (piece * 128)[:128]
    # Processor time, which does not depend on what else the machine does.
    start = time.thread_time()
    for _ in range(10):
        with suppress(PasswordRefusedError):
            check(password)

    assert time.thread_time() - start < 5  # zxcvbn's own estimate takes more for one of these
