"""What the services say of a field, in the program's own words: through the real services."""

import re

import pytest

from cli.tests.conftest import PASSWORD, Cli
from tasktracker_cli.gateway.field_messages import field_message

FRAMEWORK = re.compile(r"String|Value |value |Input|item|pattern|errors|validat|pydantic")


def register(cli: Cli, *, password: str = PASSWORD, name: str = "ada-w", **more: str) -> str:
    options = {"username": name, "email": "w@example.com", **more}
    words = [word for option, value in options.items() for word in (f"--{option}", value)]
    done = cli("register", *words, "--password-stdin", stdin=f"{password}\n")
    assert done.returncode == 2
    return done.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"password": "short"}, "A password needs at least 8 characters."),
        ({"password": "x" * 129}, "A password has 128 characters at most."),
        ({"password": "abcdefgh"}, "A password must not be among the most common ones."),
        (
            {"password": " " * 8},
            "A password must be more than repeats, sequences or neighbouring keys.",
        ),
        (
            {"password": "tasktracker"},
            "A password must be more than your own name or address, or the product's name.",
        ),
        ({"name": "a b"}, "The user name has letters, digits, . _ and - only."),
        ({"name": "ab"}, "The user name needs at least 3 characters."),
        ({"email": "nowhere"}, "The e-mail address is not valid: "),
        ({"full-name": ""}, "--full-name must not be empty."),
    ],
)
def test_an_account_is_refused_in_our_words(
    newcomer: Cli, given: dict[str, str], told: str
) -> None:
    said = register(newcomer, **given)
    assert said.startswith(f"error: {told}")
    assert not FRAMEWORK.search(said)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["list", "--search", "x" * 201], "--search has 200 characters at most."),
    ],
)
def test_a_list_is_refused_with_the_options_name(user: Cli, words: list[str], told: str) -> None:
    done = user("task", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {told}")


@pytest.mark.parametrize(
    ("field", "message", "told"),
    [
        ("q", "String should have at least 1 character", "--search must not be empty"),
        ("odd", "Field required", "odd is missing"),
        ("title", "Input should be a valid string", "The title must be text"),
        ("n", "Input should be a valid integer, unable to parse", "n must be a valid integer"),
        ("status", "Input should be 'todo' or 'done'", "--status must be 'todo' or 'done'"),
        ("due_date", "Value error, it must be a date", "--due must be a date"),
        ("x", "Something new.", "x: Something new"),
    ],
)
def test_words_of_a_framework_become_ours(field: str, message: str, told: str) -> None:
    assert field_message(field, message) == told
