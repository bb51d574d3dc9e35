"""Make text from elsewhere safe to show on a terminal."""

from __future__ import annotations

import json
import unicodedata

# Controls (C0, C1, DEL), format characters (bidi overrides, tags, zero-width space),
# lone surrogates, and the two Unicode line separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Joiners are safe, and emoji families and Persian need them.
_HARMLESS = frozenset("\u200c\u200d")
_COMMAND = "tasktracker-cli "
_GLUE = "\x1f"  # not white space, and never in a text that is safe to show


def unsafe(char: str) -> bool:
    """Return whether a terminal could act on the character, or a reader be misled by it."""
    return unicodedata.category(char) in _UNSAFE and char not in _HARMLESS


def visible(text: str) -> str:
    r"""Return one line in which every unsafe character is written out, as in ``\x1b[31m``."""
    return "".join(_escape(char) if unsafe(char) else char for char in text)


def cell(value: object) -> str:
    """Return a value of JSON as text for a column: text as it is, null as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def visible_lines(text: str) -> list[str]:
    """Do as `visible`, for text that may have several lines."""
    return [visible(line) for line in text.replace("\r\n", "\n").split("\n")]


def visible_json(document: str) -> str:
    """Write the unsafe characters inside a JSON document as JSON escapes: same value, safe."""
    return "".join(_json_escape(c) if c != "\n" and unsafe(c) else c for c in document)


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def wrapped(text: str, width: int, indent: int) -> str:
    """Break text into lines of `width` columns between words; the first is shorter by `indent`.

    A command at its end, which people copy, stays on one line if a line can hold it.
    """
    if len(text) + indent <= width:
        return text
    import textwrap

    start = text.rfind(_COMMAND)
    if start >= 0 and len(text) - start <= width:
        text = text[:start] + text[start:].replace(" ", _GLUE)
    filled = textwrap.fill(
        " " * indent + text,
        width,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled[indent:].replace(_GLUE, " ")


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, as in: 1 task, 2,000 tasks."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
