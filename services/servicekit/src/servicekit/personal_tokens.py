"""Personal access tokens, which programs use. Only the user service can check them.

Unlike an access token, they contain nothing. A service that gets one asks the user service, through
the mesh, and caches the answer for a minute. A revoked token is refused within seconds, like the
token of an ended session (docs/decisions/0030-personal-tokens.md).
"""

import asyncio
import re
import time
from collections.abc import Callable
from uuid import UUID

import httpx
from pydantic import BaseModel, Field, ValidationError

from servicekit.errors import ServiceUnavailable, Unauthenticated
from servicekit.fields import MAXIMUM_ID
from servicekit.principal import PERSONAL_PREFIX, Principal
from servicekit.token_cache import TokenCache

PATH = "/internal/personal-token"
"""The path of the user service that checks a token. The gateway has no route to it."""
CACHE_SECONDS = 60.0  # seconds
TIME_LIMIT = 6.0  # seconds. The client tries twice, for three seconds each.
_FORM = re.compile(rf"{PERSONAL_PREFIX}[A-Za-z0-9_-]{{43}}")


class _Answer(BaseModel):
    """The answer of the user service."""

    id: UUID
    user_id: int = Field(ge=1, le=MAXIMUM_ID)
    scopes: list[str]
    seconds: float = Field(ge=0)


class PersonalTokens:
    """Asks the user service through `client`. `clock` gives seconds since the epoch."""

    def __init__(self, client: httpx.AsyncClient, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._cache: TokenCache[Principal] = TokenCache(clock=clock)

    async def verify(self, token: str) -> Principal:
        """Return the principal of a valid token. Its session is the token itself.

        Raises Unauthenticated for any other token, and ServiceUnavailable if the user service does
        not answer.
        """
        if not _FORM.fullmatch(token):
            raise Unauthenticated
        encoded = token.encode()
        if known := self._cache.get(encoded):
            return known
        answer = await self._ask(token)
        scopes = frozenset(answer.scopes)
        principal = Principal(answer.user_id, False, session_id=answer.id, scopes=scopes)
        until = self._clock() + min(answer.seconds, CACHE_SECONDS)
        self._cache.put(encoded, principal, until, owner=answer.user_id)
        return principal

    async def _ask(self, token: str) -> _Answer:
        try:
            async with asyncio.timeout(TIME_LIMIT):
                headers = {"Authorization": f"Bearer {token}"}
                response = await self._client.get(PATH, headers=headers)
            if response.status_code == httpx.codes.NOT_FOUND:
                raise Unauthenticated
            response.raise_for_status()
            return _Answer.model_validate_json(response.content)
        except (httpx.HTTPError, TimeoutError, ValidationError) as error:
            raise ServiceUnavailable("Personal access tokens cannot be checked now.") from error
