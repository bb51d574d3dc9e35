import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from task_service.domain.errors import InvalidCursorError
from task_service.domain.paging import Cursor


@given(st.datetimes(timezones=st.just(UTC)), st.integers(1, 2**31 - 1))
def test_a_cursor_survives_its_encoding_to_the_microsecond(moment: datetime, number: int) -> None:
    cursor = Cursor(moment, number)

    assert Cursor.decode(cursor.encode()) == cursor


@given(st.text(max_size=64))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        Cursor.decode(text)
    except InvalidCursorError:
        return


@pytest.mark.parametrize(
    "text", ["", "x", "é", "%%%", base64.urlsafe_b64encode(b"\x7f" * 12).decode()]
)
def test_a_cursor_from_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        Cursor.decode(text)
