"""Query strings: each parameter once, read into a model."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import QueryParams

Model = TypeVar("Model", bound=BaseModel)
Result = TypeVar("Result")
# Most lists are asked for with the same few filters; a cursor comes once.
REMEMBERED = 256  # query strings
LONGEST = 1024  # bytes of one: callers do not choose how much memory they take


async def each_once(request: Request) -> None:
    """A dependency that refuses (422) a parameter given twice: which one counts would be a guess.

    A coroutine, because FastAPI sends a plain function to a thread of its own.
    """
    refuse_repeated(request.query_params)


def reader(model: type[Model]) -> Callable[[bytes], Model]:
    """A function that makes the model, which is frozen, of a query string as it came.

    The function raises pydantic's ValidationError, and RequestValidationError where a parameter
    comes twice. It remembers what it made, so that a string that comes again costs nothing.
    """

    @remembering
    def read(query_string: bytes) -> Model:
        parameters = QueryParams(query_string)
        refuse_repeated(parameters)
        return model.model_validate(dict(parameters))

    return read


def remembering(read: Callable[[bytes], Result]) -> Callable[[bytes], Result]:
    """`read`, remembering what it made of the last few query strings that were not long."""
    remembered = lru_cache(REMEMBERED)(read)

    def choose(query_string: bytes) -> Result:
        return (remembered if len(query_string) <= LONGEST else read)(query_string)

    return choose


def refuse_repeated(parameters: QueryParams) -> None:
    """Raises RequestValidationError, which names each parameter that comes more than once."""
    given = Counter(name for name, _ in parameters.multi_items())
    repeated = sorted(name for name, times in given.items() if times > 1)
    if repeated:
        message = "This parameter may be given once"
        raise RequestValidationError(
            [{"type": "repeated", "loc": ("query", name), "msg": message} for name in repeated]
        )
