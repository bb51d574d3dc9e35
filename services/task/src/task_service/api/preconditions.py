"""Entity tags: a task's is its version in quotes (RFC 9110, sections 8.8.3 and 13.1)."""

import re
from typing import Annotated

from fastapi import Depends, Header

from task_service.domain.service import Versions
from task_service.domain.task import Task

_TAG = re.compile(r'(W/)?"([0-9]{1,9})"')


def etag(task: Task) -> str:
    return f'"{task.version}"'


def _if_match(if_match: Annotated[str | None, Header()] = None) -> Versions:
    """The versions named. A weak or foreign tag names none, so it lets nothing through."""
    if if_match is None or if_match.strip() == "*":
        return None
    tags = (_TAG.fullmatch(tag.strip()) for tag in if_match.split(","))
    return frozenset(int(tag[2]) for tag in tags if tag and not tag[1])


IfMatch = Annotated[Versions, Depends(_if_match)]


def is_fresh(task: Task, if_none_match: str | None) -> bool:
    """Whether the caller, who sent this If-None-Match, already holds the task as it is."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return "*" in tags or etag(task) in tags
