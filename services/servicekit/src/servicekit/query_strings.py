"""Query strings: each parameter at most once, parsed into a model."""

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
# Most clients ask for lists with the same few filters. A cursor comes once.
CACHE_SIZE = 256  # query strings
CACHED_LENGTH = 1024  # bytes of one: callers do not choose how much memory they take


async def refuse_repeats(request: Request) -> None:
    """Refuse (422) a request that repeats a parameter: we would have to guess which one counts.

    A dependency. It is a coroutine, because FastAPI runs a plain function in another thread.
    """
    check_repeats(request.query_params)


def parser(model: type[Model]) -> Callable[[bytes], Model]:
    """Return a function that parses a raw query string into the model, which is frozen.

    The function raises pydantic's ValidationError, and RequestValidationError where a parameter
    is repeated. It caches its results, so that a string that comes again costs nothing.
    """

    @cached
    def parse(query_string: bytes) -> Model:
        parameters = QueryParams(query_string)
        check_repeats(parameters)
        return model.model_validate(dict(parameters))

    return parse


def cached(parse: Callable[[bytes], Result]) -> Callable[[bytes], Result]:
    """Cache the results of `parse` for the last few query strings that are not long."""
    cache = lru_cache(CACHE_SIZE)(parse)

    def choose(query_string: bytes) -> Result:
        return (cache if len(query_string) <= CACHED_LENGTH else parse)(query_string)

    return choose


def check_repeats(parameters: QueryParams) -> None:
    """Raise RequestValidationError, which names each parameter that comes more than once."""
    given = Counter(name for name, _ in parameters.multi_items())
    repeated = sorted(name for name, times in given.items() if times > 1)
    if repeated:
        message = "This parameter may be given once"
        raise RequestValidationError(
            [{"type": "repeated", "loc": ("query", name), "msg": message} for name in repeated]
        )
