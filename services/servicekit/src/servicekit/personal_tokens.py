"""Personal access tokens, which programs carry: the user service is asked about them.

Unlike an access token they say nothing themselves. A service that sees one asks the user service,
through the mesh, and remembers the answer for a minute. One that is revoked is refused as an ended
session's token is, within seconds (docs/decisions/0030-personal-tokens.md).
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
"""Where the user service says what a token grants: no route of the gateway leads there."""
CACHE_SECONDS = 60.0  # seconds
TIME_LIMIT = 3.0  # seconds for an answer, with its retry
_FORM = re.compile(rf"{PERSONAL_PREFIX}[A-Za-z0-9_-]{{43}}")


class _Answer(BaseModel):
    """What the user service has to answer."""

    id: UUID
    user_id: int = Field(ge=1, le=MAXIMUM_ID)
    scopes: list[str]
    seconds: float = Field(ge=0)


class PersonalTokens:
    """Asks the user service at the other end of `client`. `clock` gives seconds of the epoch."""

    def __init__(self, client: httpx.AsyncClient, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._cache: TokenCache[Principal] = TokenCache(clock=clock)

    async def verify(self, token: str) -> Principal:
        """The principal of a token that is genuine and alive; its session is the token itself.

        Raises Unauthenticated, and ServiceUnavailable while nobody can be asked.
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
