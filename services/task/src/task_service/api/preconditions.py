"""Entity tags: a task's is its version in quotes (RFC 9110, sections 8.8.3 and 13.1)."""

import re

from task_service.domain.task import Task, Versions

_TAG = re.compile(r'(W/)?"([0-9]{1,9})"')


def etag(task: Task) -> str:
    """Return the entity tag of the task as it is."""
    return f'"{task.version}"'


def accepted_versions(if_match: str | None) -> Versions:
    """Return the versions that If-Match names. A weak or foreign tag names none.

    So a header with such tags alone accepts no version; no header at all, or `*`, accepts any.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (_TAG.fullmatch(tag.strip()) for tag in if_match.split(","))
    return frozenset(int(tag[2]) for tag in tags if tag and not tag[1])


def is_fresh(task: Task, if_none_match: str | None) -> bool:
    """Tell whether If-None-Match names the task as it is: the client has it already."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in tags or etag(task) in tags
