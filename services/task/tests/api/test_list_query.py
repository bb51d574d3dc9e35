"""Cursors: what one keeps, and which are refused."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from task_service.api.list_query import ListQuery
from task_service.domain.errors import InvalidCursorError
from task_service.domain.pagination import Position


def _cursor(query: ListQuery, moment: datetime, number: int) -> str:
    return query.cursor_after(f'{{"id": {number}, "created_at": "{moment.isoformat()}"}}')


@given(st.datetimes(timezones=st.just(UTC)), st.integers(1, 2**31 - 1))
def test_a_cursor_survives_its_encoding_to_the_microsecond(moment: datetime, number: int) -> None:
    cursor = _cursor(ListQuery(), moment, number)

    assert ListQuery(cursor=cursor).task_query.after == Position(moment, number)


@given(st.text(max_size=64))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        _ = ListQuery(cursor=text).task_query


@pytest.mark.parametrize(
    "text", ["", "x", "é", "%%%", base64.urlsafe_b64encode(b"\x7f" * 12).decode()]
)
def test_a_cursor_from_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        _ = ListQuery(cursor=text).task_query
