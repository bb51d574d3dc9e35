"""The gateway's messages about fields that it refuses, in this program's own words."""

from __future__ import annotations

import re

# The name by which the user gave the field. A field that is not here keeps the API's name.
_NAMES = {
    "title": "The title",
    "description": "--description",
    "status": "--status",
    "priority": "--priority",
    "due_date": "--due",
    "q": "--search",
    "due_before": "--due-before",
    "due_after": "--due-after",
    "sort": "--sort",
    "limit": "--limit",
    "username": "The user name",
    "email": "The e-mail address",
    "full_name": "--full-name",
    "password": "A password",
    "new_password": "A password",
    "current_password": "The current password",
    "name": "--name",
    "scopes": "--scope",
}
# The framework's messages, and ours. A message that is not here stays as it is.
_WORDS = (
    (r".* should have at least 1 (?:character|item)\b.*", "must not be empty"),
    (r".* should have at least (\d+) (?:character|item)s?\b.*", r"needs at least \1 characters"),
    (r".* should have at most (\d+) (?:character|item)s?\b.*", r"has \1 characters at most"),
    (r"String should match pattern .*\[A-Za-z0-9\._-\].*", "has letters, digits, . _ and - only"),
    (r"String should match pattern .*", "has a character that is not allowed"),
    (r"Text must not contain .*", "has a character that is not text"),
    (r"This is among the most common passwords", "must not be among the most common ones"),
    (r"This is little more than (.*)", r"must be more than \1"),
    (r"Field required", "is missing"),
    (r"Extra inputs are not permitted", "is not known there"),
    (r"Input should be a valid string", "must be text"),
    (r"Input should be ([^,]*)(?:, unable .*)?", r"must be \1"),
    (r"value is not a valid email address: (.*)", r"is not valid: \1"),
    (r"Value error, it (.*)", r"\1"),
    (r"Value error, (.*)", r"is not valid: \1"),
)


def field_message(field: str, message: str) -> str:
    """Return what is wrong with a field, as a part of a sentence."""
    for pattern, words in _WORDS:
        if match := re.fullmatch(pattern, message.rstrip("."), re.DOTALL):
            return f"{_NAMES.get(field, field)} {match.expand(words)}"
    return f"{_NAMES.get(field, field)}: {message.rstrip('.')}"
