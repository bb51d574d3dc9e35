"""Each service answers as its OpenAPI document says, to any call and in any order."""

from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from tests.contract.fuzz import Headers, schemathesis
from tests.figures import Say

SERVICES = ["user", "task", "stats", "portal"]
# Per operation. Schemathesis adds the cases that the document's bounds suggest.
EXAMPLES = "40"
# Hypothesis stops a sequence early when answers differ between runs, as ids and tokens do. Then
# Schemathesis starts other sequences until this limit.
SEQUENCES_LIMIT = "20"  # seconds


@pytest.mark.parametrize("service", SERVICES)
def test_each_answer_is_as_the_document_says(
    services: Mapping[str, str],
    people: Mapping[str, Headers],
    tmp_path: Path,
    service: str,
    say: Say,
) -> None:
    phases = "examples,coverage,fuzzing"
    found = schemathesis(
        services[service], people, tmp_path, "--phases", phases, "--max-examples", EXAMPLES
    )

    say(f"{service}: {found.cases} cases")
    assert found.passed, found.text
    assert_signed_in(services, people)


@pytest.mark.parametrize("service", ["user", "task"])
@pytest.mark.fuzz
def test_each_sequence_of_linked_calls_is_as_the_document_says(
    services: Mapping[str, str],
    people: Mapping[str, Headers],
    tmp_path: Path,
    service: str,
    say: Say,
) -> None:
    found = schemathesis(
        services[service], people, tmp_path, "--phases", "stateful", "--max-time", SEQUENCES_LIMIT
    )

    say(f"{service}: {found.cases} cases in sequences")
    assert found.passed, found.text
    assert found.cases > 20
    assert_signed_in(services, people)


def test_a_document_that_promises_too_much_is_found(tmp_path: Path) -> None:
    found = schemathesis("http://127.0.0.1:1", {}, tmp_path)

    assert not found.passed


def assert_signed_in(services: Mapping[str, str], people: Mapping[str, Headers]) -> None:
    """Check that their logins still work: otherwise later answers were only 401."""
    for headers in people.values():
        answer = httpx.get(f"{services['user']}/api/v1/auth/me", headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
