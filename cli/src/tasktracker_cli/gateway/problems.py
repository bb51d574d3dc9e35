"""What a refusal by the gateway means to the user: problem+json (RFC 9457) in, an error out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasktracker_cli.errors import (
    BadAnswerError,
    CliError,
    ConflictError,
    NotFoundError,
    NotLoggedInError,
    UnavailableError,
    UsageError,
)
from tasktracker_cli.gateway.transport import Answer

# A status that is not here is a plain failure.
ERRORS: dict[int, type[CliError]] = {
    400: UsageError,
    401: NotLoggedInError,
    404: NotFoundError,
    405: UsageError,
    409: ConflictError,
    412: ConflictError,
    413: UsageError,
    422: UsageError,
    429: UnavailableError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}

HINTS: dict[int, str] = {
    400: "Change what you gave and try again.",
    403: "Log in as a user who may do this.",
    404: "See what there is with: tasktracker-cli task list",
    409: "Look at how it is now, and try again.",
    412: "Look at how it is now, and try again.",
    422: "Change what you gave and try again.",
}

# More exact than the hint for the status.
_HINTS_BY_TYPE = {
    "/problems/insufficient-scope": "Unset TASKTRACKER_TOKEN and log in,"
    " or give it a token that may do this.",
}

# These pass by themselves, and count even when a proxy answers instead of a service.
_PASSING = {429, 502, 503, 504}


def refusal(answer: Answer, hints: Mapping[int, str]) -> CliError:
    """Return the error for an answer that is not a success; `hints` are this call's own."""
    status = answer.status
    problem = _problem(answer)
    if not problem and status not in _PASSING:
        return bad_answer(f"HTTP status {status} without an explanation")
    kind = ERRORS.get(status, CliError)
    hint = (
        _HINTS_BY_TYPE.get(str(problem.get("type")))
        or hints.get(status)
        or HINTS.get(status)
        or _general_hint(answer, problem)
    )
    request_id = problem.get("request_id")
    error = kind(
        _sentence(problem) if problem else "The service is not available.",
        hint,
        status=status,
        request_id=str(request_id) if request_id else None,
    )
    if isinstance(error, UnavailableError):
        error.retry_after = _retry_after(answer)
    return error


def json_of(answer: Answer) -> Any:
    """Return the answer's JSON. Raises BadAnswerError when it has none."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise bad_answer("its answer is not JSON") from None


def bad_answer(what: str) -> BadAnswerError:
    """Return the error for an answer that no TaskTracker gateway gives."""
    return BadAnswerError(
        f"The address does not answer like a TaskTracker gateway: {what}.",
        "Check it, or give another with --url or TASKTRACKER_URL.",
    )


def _problem(answer: Answer) -> dict[str, Any]:
    if not answer.headers.get("content-type", "").startswith("application/problem+json"):
        return {}
    try:
        problem = answer.json()
    except (ValueError, RecursionError):
        return {}
    return problem if isinstance(problem, dict) else {}


def _sentence(problem: Mapping[str, Any]) -> str:
    errors = problem.get("errors")
    if isinstance(errors, list) and errors:
        return f"{'; '.join(map(_field, errors))}."
    return f"{str(problem.get('detail') or problem.get('title') or '').rstrip('.')}."


def _field(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    from tasktracker_cli.gateway.field_messages import field_message

    return field_message(str(error.get("field", "?")), str(error.get("message", "?")))


def _general_hint(answer: Answer, problem: Mapping[str, Any]) -> str:
    if answer.status in _PASSING:
        seconds = _retry_after(answer)
        return f"Try again in {seconds} s." if seconds else "Try again in a moment."
    name = f" and name request id {problem['request_id']}" if "request_id" in problem else ""
    return f"Try again; if it stays so, report it{name}."


def _retry_after(answer: Answer) -> int:
    seconds = answer.headers.get("retry-after", "")
    return int(seconds) if seconds.isascii() and seconds.isdigit() else 0
