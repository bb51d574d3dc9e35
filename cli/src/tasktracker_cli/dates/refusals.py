"""What the user is told about a phrase that is not understood: why, and what to say instead."""

from __future__ import annotations

from datetime import datetime

from tasktracker_cli.dates.cursor import Cursor, NotUnderstood
from tasktracker_cli.dates.due import Due
from tasktracker_cli.dates.order import Order
from tasktracker_cli.dates.phrases import parse_phrase
from tasktracker_cli.dates.words import VOCABULARY
from tasktracker_cli.errors import UsageError

EXAMPLES = "Give one like 2030-12-31, 2030-12-31T17:00, 'tomorrow 5pm', fri, +3d or 'in 2 weeks'."
# Without one of these the rest of a phrase means something else.
_TURNING = frozenset(
    ("not", "no", "minus", "last", "except", "few", "couple", "past", "to", "till")
)
TOPIC = "See: tasktracker-cli help dates"


def parse_or_explain(text: str, now: datetime, order: Order) -> Due:
    """Read a phrase. Raises UsageError, which names the fault and a phrase that has a meaning."""
    try:
        return parse_phrase(text, now, order)
    except NotUnderstood as error:
        said = " or ".join(f"'{phrase}'" for phrase in suggestions(text, error, now, order))
        raise _refused(text, error.why, f"Say {said}." if said else EXAMPLES) from None
    except (ValueError, OverflowError):
        raise _refused(text, "it is outside the years 1 to 9999", EXAMPLES) from None


def suggestions(text: str, error: NotUnderstood, now: datetime, order: Order) -> list[str]:
    """Return phrases near to the text; each has been understood, and so is a due date."""
    if error.instead is not None:
        phrases = _replaced(text, error, *error.instead)
        return [phrase for phrase in phrases if _is_understood(phrase, now, order)]
    unknown = text[error.start : error.end].lower()
    phrases = Cursor(text).beginnings()
    if unknown.isalpha() and unknown not in VOCABULARY and unknown not in _TURNING:
        phrases = [*_replaced(text, error, *_like(unknown), ""), *phrases]
    return [phrase for phrase in phrases if _is_understood(phrase, now, order)][:1]


def _refused(text: str, why: str, hint: str) -> UsageError:
    return UsageError(f"{text!r} is not a due date: {why}.", f"{hint} {TOPIC}")


def _replaced(text: str, error: NotUnderstood, *words: str) -> list[str]:
    before, after = text[: error.start], text[error.end :]
    return [" ".join(f"{before}{word} {after}".split()) for word in words]


def _like(word: str) -> list[str]:
    """Return the words that a typing mistake may be meant to be."""
    from difflib import get_close_matches

    return get_close_matches(word, VOCABULARY, n=3, cutoff=0.8)


def _is_understood(phrase: str, now: datetime, order: Order) -> bool:
    try:
        parse_phrase(phrase, now, order)
    except (NotUnderstood, ValueError, OverflowError):
        return False
    return True
