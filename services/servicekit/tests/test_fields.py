"""Texts and ids that no database can store."""

import pytest
from pydantic import TypeAdapter, ValidationError

from servicekit.fields import CleanText, Id32

text: TypeAdapter[str] = TypeAdapter(CleanText)
identifier: TypeAdapter[int] = TypeAdapter(Id32)


@pytest.mark.parametrize("value", ["", "plain", "käse 🧀", "line\nbreak"])
def test_ordinary_text_passes(value: str) -> None:
    assert text.validate_python(value) == value


@pytest.mark.parametrize("value", ["\x00", "a\x00b", "\ud800", "a\udfffb"])
def test_text_that_postgresql_cannot_store_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="must not contain NUL or lone surrogates"):
        text.validate_python(value)


@pytest.mark.parametrize("value", [1, 2**31 - 1])
def test_identifier_of_a_serial_column_passes(value: int) -> None:
    assert identifier.validate_python(value) == value


@pytest.mark.parametrize("value", [0, -1, 2**31, 10**30])
def test_identifier_beyond_a_serial_column_is_refused(value: int) -> None:
    with pytest.raises(ValidationError):
        identifier.validate_python(value)
