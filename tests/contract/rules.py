"""Our own check for Schemathesis, and calls to leave out. It loads this file by its path."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis
from jose import jwt
from schemathesis import Case, CheckContext, HookContext, Response

# The problem for parameters and bodies that FastAPI refuses.
INVALID = "/problems/invalid-request"
# The ids of Ada and Bob, whom tests/contract/conftest.py registers first.
ASKING = {"1", "2"}


@schemathesis.check
def what_the_document_allows_is_not_called_invalid(
    ctx: CheckContext, response: Response, case: "Case[Any]"
) -> None:
    """Check that a request that fits the document passes validation."""
    if response.status_code == 422 and case.meta and case.meta.generation.mode.is_positive:
        problem = json.loads(response.content)
        assert problem["type"] != INVALID, problem["errors"]


@schemathesis.hook
def filter_case(context: HookContext, case: "Case[Any]") -> bool:
    """Leave out calls that would lock out the caller: all later answers would be 401."""
    match case.operation.label:
        case "PATCH /api/v1/auth/users/{user_id}":
            return str(case.path_parameters.get("user_id")) not in ASKING
        case "DELETE /api/v1/auth/sessions/{session_id}":
            return str(case.path_parameters.get("session_id")).lower() not in _asking_sessions()
    return True


@cache
def _asking_sessions() -> set[str]:
    """Return the sessions of the tokens in the file that tests/contract/fuzz.py wrote."""
    tokens = re.findall(r"Bearer ([^\"]+)", Path("people.json").read_text())
    return {jwt.get_unverified_claims(token)["sid"] for token in tokens}
