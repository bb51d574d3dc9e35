"""What Schemathesis checks beyond its own checks; it loads this file by its path."""

import json
from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

# The problem that FastAPI's validation of parameters and bodies ends in.
INVALID = "/problems/invalid-request"
# Ada and Bob: tests/contract/conftest.py registers them first.
ASKING = {"1", "2"}


@schemathesis.check
def what_the_document_allows_is_not_called_invalid(
    ctx: CheckContext, response: Response, case: "Case[Any]"
) -> None:
    """What fits the document passes validation, or the document does not tell the truth."""
    if response.status_code == 422 and case.meta and case.meta.generation.mode.is_positive:
        problem = json.loads(response.content)
        assert problem["type"] != INVALID, problem["errors"]


@schemathesis.hook
def filter_case(context: HookContext, case: "Case[Any]") -> bool:
    """Leave out what would lock out who asks: whatever came after would just be a 401."""
    is_change_of_user = case.operation.label == "PATCH /api/v1/auth/users/{user_id}"
    return not (is_change_of_user and str(case.path_parameters.get("user_id")) in ASKING)
