"""Spans around the statements of an SQLAlchemy engine."""

from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from servicekit import tracing

_SPAN = "traced"  # the key of a statement's open span in its connection's `info`


def trace_statements(engine: Engine) -> None:
    """Surround each statement of a traced request with a span.

    Call it before the engine is used: options of it that were made earlier are not traced.
    """
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)
    event.listen(engine, "handle_error", _fail)


def _begin(connection: Any, _cursor: object, sql: str, *_: object) -> None:
    span: AbstractContextManager[object] = tracing.statement(sql)
    span.__enter__()
    connection.info[_SPAN] = span


def _end(connection: Any, *_: object) -> None:
    connection.info.pop(_SPAN).__exit__(None, None, None)


def _fail(context: ExceptionContext) -> None:
    connection = context.connection
    span = connection.info.pop(_SPAN, None) if connection is not None else None
    if span is None:  # the error was no statement's
        return
    error = context.original_exception
    try:
        span.__exit__(type(error), error, error.__traceback__)
    except BaseException as same:  # a block raises its error again, and SQLAlchemy does that itself
        if same is not error:
            raise
