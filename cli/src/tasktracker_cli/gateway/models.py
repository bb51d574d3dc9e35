"""The gateway's objects, with the fields that this program shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from tasktracker_cli.errors import BadAnswerError

T = TypeVar("T")
Raw = Mapping[str, Any]  # an object as the API answers it

# The API's fields, which --fields may name.
TASK_FIELDS = (
    "id",
    "title",
    "description",
    "status",
    "priority",
    "is_completed",
    "due_date",
    "owner_id",
    "created_at",
    "updated_at",
)
USER_FIELDS = (
    "id",
    "email",
    "username",
    "full_name",
    "is_active",
    "is_superuser",
    "created_at",
    "updated_at",
)
SESSION_FIELDS = ("id", "created_at", "last_used_at", "expires_at", "program", "current")
TOKEN_FIELDS = ("id", "name", "scopes", "created_at", "last_used_at", "expires_at")
STATS_FIELDS = (
    "total_tasks",
    "completed_tasks",
    "pending_tasks",
    "completion_percentage",
    "overdue_tasks",
    "by_status",
    "by_priority",
)


@dataclass(frozen=True, repr=False)
class Grant:
    """Tokens of a login; `expires_in` is in seconds."""

    access_token: str
    refresh_token: str | None
    expires_in: float | None


@dataclass(frozen=True)
class Task:
    """A task as it is shown."""

    id: int
    title: str
    description: str | None
    status: str
    priority: str
    due: datetime | None
    created: datetime
    updated: datetime


@dataclass(frozen=True)
class User:
    """A user as it is shown."""

    username: str
    email: str
    full_name: str | None


@dataclass(frozen=True)
class LoginSession:
    """A session at the gateway."""

    id: str
    program: str | None
    opened: datetime
    used: datetime
    is_current: bool


@dataclass(frozen=True, repr=False)
class Token:
    """A personal access token; `secret` is the token itself, known only when it is made."""

    id: str
    name: str
    scopes: Sequence[str]
    used: datetime | None
    expires: datetime
    secret: str | None


@dataclass(frozen=True)
class Stats:
    """Counts of the user's tasks; `percentage` is from 0 to 100."""

    total: int
    completed: int
    percentage: float
    overdue: int
    by_status: Mapping[str, int]
    by_priority: Mapping[str, int]


def grant(raw: Any) -> Grant:
    """Read the tokens from the login's answer. Raises BadAnswerError if there are none."""
    return _read(raw, _grant)


def task(raw: Any) -> Task:
    """Read a task from the API's object. Raises BadAnswerError if it is none."""
    return _read(raw, _task)


def user(raw: Any) -> User:
    """Read a user from the API's object. Raises BadAnswerError if it is none."""
    return _read(raw, _user)


def login_session(raw: Any) -> LoginSession:
    """Read a session from the API's object. Raises BadAnswerError if it is none."""
    return _read(raw, _login_session)


def token(raw: Any) -> Token:
    """Read a personal access token from the API's object. Raises BadAnswerError if it is none."""
    return _read(raw, _personal_token)


def stats(raw: Any) -> Stats:
    """Read the figures from the API's object. Raises BadAnswerError if they are none."""
    return _read(raw, _stats)


def _grant(raw: Any) -> Grant:
    refresh_token = raw.get("refresh_token")
    expires_in = raw.get("expires_in")
    return Grant(
        _token(raw["access_token"]),
        None if refresh_token is None else _token(refresh_token),
        None if expires_in is None else float(expires_in),
    )


def _token(text: Any) -> str:
    if not (isinstance(text, str) and is_token(text)):
        raise ValueError("a token must fit into a header")
    return text


def is_token(text: str) -> bool:
    """Return whether the text fits into a header."""
    return bool(text) and text.isascii() and text.isprintable()


def _task(raw: Any) -> Task:
    return Task(
        id=int(raw["id"]),
        title=str(raw["title"]),
        description=_text(raw.get("description")),
        status=str(raw["status"]),
        priority=str(raw["priority"]),
        due=_moment(raw["due_date"]) if raw.get("due_date") else None,
        created=_moment(raw["created_at"]),
        updated=_moment(raw["updated_at"]),
    )


def _user(raw: Any) -> User:
    return User(str(raw["username"]), str(raw["email"]), _text(raw.get("full_name")))


def _login_session(raw: Any) -> LoginSession:
    return LoginSession(
        id=str(raw["id"]),
        program=_text(raw.get("program")),
        opened=_moment(raw["created_at"]),
        used=_moment(raw["last_used_at"]),
        is_current=raw["current"] is True,
    )


def _personal_token(raw: Any) -> Token:
    secret = raw.get("token")
    return Token(
        id=str(raw["id"]),
        name=str(raw["name"]),
        scopes=[str(each) for each in raw["scopes"]],
        used=_moment(raw["last_used_at"]) if raw.get("last_used_at") else None,
        expires=_moment(raw["expires_at"]),
        secret=None if secret is None else _token(secret),
    )


def _stats(raw: Any) -> Stats:
    return Stats(
        total=int(raw["total_tasks"]),
        completed=int(raw["completed_tasks"]),
        percentage=float(raw["completion_percentage"]),
        overdue=int(raw["overdue_tasks"]),
        by_status={str(name): int(count) for name, count in raw["by_status"].items()},
        by_priority={str(name): int(count) for name, count in raw["by_priority"].items()},
    )


def _read(raw: Any, reader: Callable[[Any], T]) -> T:
    try:
        return reader(raw)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise BadAnswerError(
            "The gateway's answer is not one that this version understands.",
            "Check the address, and that program and gateway are of the same version.",
        ) from None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _moment(value: Any) -> datetime:
    # A time without an offset would be shown in the wrong zone: astimezone takes it as local.
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment needs an offset")
    return moment.astimezone()
