"""Which passwords are refused, after NIST SP 800-63B: those that an attacker tries first.

There are no rules of composition. The schema of the body checks the length, 8 to 128 characters.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from zxcvbn import matching  # type: ignore[import-untyped] # it has no types

from user_service.domain.common_passwords import COMMON
from user_service.domain.errors import PasswordRefusedError

CHOICES = 6
"""How many characters a password needs that do not follow from the others."""

_PRODUCT = ("tasktracker", "tracker", "task")
_WORD = re.compile(r"[^\W_]{3,}")
_REPEAT = re.compile(r"(.+?)\1+")

# Start and end of a piece of a password, and the number of characters that it is worth.
_Piece = tuple[int, int, int]


@dataclass(frozen=True)
class Owner:
    """The user of the password."""

    username: str
    email: str
    full_name: str | None

    def words(self) -> set[str]:
        """Return the words that a stranger knows, in lower case: names and parts of addresses."""
        names = [self.username, self.email, self.email.partition("@")[0], self.full_name or ""]
        folded = [name.casefold() for name in names]
        parts = (word for name in folded for word in _WORD.findall(name))
        return {word for word in (*folded, *parts) if len(word) > 2}


def check(password: str, owner: Owner, field: str = "password") -> None:
    """Raise PasswordRefusedError for a common or regular password, or one of known words."""
    folded = password.casefold()
    if folded in COMMON:
        raise PasswordRefusedError(field, "This is among the most common passwords.")
    regular = list(_regular(folded))
    if _choices(folded, regular) < CHOICES:
        raise PasswordRefusedError(
            field, "This is little more than repeats, sequences or neighbouring keys."
        )
    if _choices(folded, [*regular, *_known(folded, owner.words())]) < CHOICES:
        raise PasswordRefusedError(
            field, "This is little more than your own name or address, or the product's name."
        )


def _regular(password: str) -> Iterator[_Piece]:
    for match in matching.sequence_match(password) + matching.spatial_match(password):
        yield match["i"], match["j"] + 1, 2
    # Not zxcvbn's own repeat_match, whose estimate of the repeated part can take seconds.
    for match in _REPEAT.finditer(password):
        yield match.start(), match.end(), len(match[1])


def _known(password: str, words: set[str]) -> Iterator[_Piece]:
    for word in {*words, *_PRODUCT}:
        for match in re.finditer(re.escape(word), password):
            yield match.start(), match.end(), 1


def _choices(password: str, pieces: list[_Piece]) -> int:
    """Return the least number of characters that the password is worth, over all pieces."""
    least: list[int] = [*range(len(password) + 1)]
    for end in range(1, len(password) + 1):
        worths = [least[start] + worth for start, stop, worth in pieces if stop == end]
        least[end] = min([least[end - 1] + 1, *worths])
    return least[-1]
