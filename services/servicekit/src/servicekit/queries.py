"""Query strings: each parameter once, read into a model."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import QueryParams

Model = TypeVar("Model", bound=BaseModel)
# Most lists are asked for with the same few filters; a cursor comes once.
REMEMBERED = 256


async def each_once(request: Request) -> None:
    """A dependency that refuses (422) a parameter given twice: which one counts would be a guess.

    A coroutine, because FastAPI sends a plain function to a thread of its own.
    """
    _refuse_repeated(request.query_params)


def reader(model: type[Model]) -> Callable[[bytes], Model]:
    """A function that makes the model, which is frozen, of a query string as it came.

    The function raises pydantic's ValidationError, and RequestValidationError where a parameter
    comes twice. It remembers what it made, so that a string that comes again costs nothing.
    """

    @lru_cache(REMEMBERED)
    def read(query_string: bytes) -> Model:
        parameters = QueryParams(query_string)
        _refuse_repeated(parameters)
        return model.model_validate(dict(parameters))

    return read


def _refuse_repeated(parameters: QueryParams) -> None:
    names = [name for name, _ in parameters.multi_items()]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        message = "This parameter may be given once"
        raise RequestValidationError(
            [{"type": "repeated", "loc": ("query", name), "msg": message} for name in repeated]
        )
