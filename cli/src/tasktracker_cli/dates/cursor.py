"""The words of a due date, taken one after the other."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

_Value = TypeVar("_Value")

_TOKENS = re.compile(
    r"""
      (?P<ymd>      [0-9]{4} (?P<s>[-/]) [0-9]{1,2} (?P=s) [0-9]{1,2} (?![0-9/-]) )
    | (?P<dmy>      [0-9]{1,2} (?P<t>[./]) [0-9]{1,2} (?P=t) [0-9]{4} (?![0-9./]) )
    | (?P<dm>       [0-9]{1,2} \. [0-9]{1,2} \. (?![0-9]) )
    | (?P<time>     [0-9]{1,2} : [0-9]{2} (: [0-9]{2})? (?![0-9:]) )
    | (?P<hm>       [0-9]{1,2} h [0-9]{2} (?![0-9a-z]) )
    | (?P<offset>   [+-] [0-9]{2} : [0-9]{2} (?![0-9a-z:])
                  | (?<=[0-9m]) [+-] [0-9]{4} (?![0-9a-z:]) )
    | (?P<ordinal>  [0-9]{1,2} (st|nd|rd|th) (?![a-z]) )
    | (?P<number>   [0-9]+ ([.,][0-9]{1,2}(?![0-9]))? [½¼¾]? | [½¼¾] )
    | (?P<word>     [ap]\.m\.? | [^\W\d_]+ (['\u2019][^\W\d_]+)* )
    | (?P<sign>     \S )
    """,
    re.VERBOSE | re.IGNORECASE,
)


class NotUnderstood(Exception):  # noqa: N818 - a refusal that names a place, told as a UsageError
    """What is between `start` and `end` of the text has no meaning there, or more than one.

    `instead` are texts for that place which do have one; None if the text without it may do.
    """

    def __init__(
        self, why: str, start: int, end: int, instead: Sequence[str] | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        self.start = start
        self.end = end
        self.instead = instead


@dataclass(frozen=True)
class Token:
    """A word, number or sign, in small letters; `start` and `end` are its place in the text."""

    kind: str
    text: str
    start: int
    end: int


class Cursor:
    """A place between the tokens of a text.

    `farthest` is the farthest that it has been at, `start` where the date itself begins.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = self.farthest = self.start = 0
        self._tokens = [
            Token(found.lastgroup or "", word, found.start(), found.end())
            for found in _TOKENS.finditer(text)
            for word in _normal(found[0].lower().replace("\u2019", "'"))
        ]

    @property
    def left(self) -> int:
        """How many tokens there are to come."""
        return len(self._tokens) - self.at

    def peek(self, ahead: int = 0) -> Token:
        """Return a token to come; one of no kind and no text beyond the end."""
        if self.at + ahead < len(self._tokens):
            return self._tokens[self.at + ahead]
        return Token("", "", len(self.text), len(self.text))

    def beginnings(self) -> list[str]:
        """Return the text up to each of its tokens, the longest first; not the whole."""
        return [self.text[: token.end] for token in reversed(self._tokens[:-1])]

    def take(self, count: int = 1) -> Token:
        """Pass the next token, or so many; return the first of them."""
        token = self.peek()
        self.at += count
        self.farthest = max(self.farthest, self.at)
        return token

    def accept(self, *words: str) -> bool:
        """Pass these words if they come next, in this order."""
        if any(self.peek(ahead).text != word for ahead, word in enumerate(words)):
            return False
        self.take(len(words))
        return True

    def accept_any(self, words: Collection[str]) -> str:
        """Pass the next word if it is one of these, and return it; empty otherwise."""
        return self.take().text if self.peek().text in words else ""

    def accept_kind(self, kind: str) -> str:
        """Pass the next token if it is of this kind, and return its text; empty otherwise."""
        return self.take().text if self.peek().kind == kind else ""

    def look_up(self, meanings: Mapping[str, _Value]) -> _Value | None:
        """Pass the next word if it has a meaning, and return that."""
        return meanings[self.take().text] if self.peek().text in meanings else None

    def since(self, mark: int) -> str:
        """Return the text that was passed since the cursor was at `mark`."""
        return self.text[self._tokens[mark].start : self._tokens[self.at - 1].end]

    def refusal(self, why: str, mark: int, *instead: str) -> NotUnderstood:
        """Return the error about what was passed since the cursor was at `mark`."""
        return NotUnderstood(why, self._tokens[mark].start, self._tokens[self.at - 1].end, instead)


def _normal(word: str) -> tuple[str, ...]:
    """Return what a word stands for: `tonight` is two words in one."""
    if word == "tonight":
        return ("today", "night")
    return (word.replace(".", ""),) if re.fullmatch(r"[ap]\.m\.?", word) else (word,)
