"""Tells each service that checks access tokens which sessions have ended.

Each process asks the user service once a second, through the mesh, for the sessions that have ended
since. So the tokens of an ended session are refused everywhere within seconds, and no request waits
for a call (docs/decisions/0029-ended-sessions.md).

While the user service is down, the known sessions still count, and the tokens of later ones are
accepted until they expire.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import httpx
import structlog
from fastapi import FastAPI
from pydantic import BaseModel, Field, ValidationError

from servicekit import http_client, metrics
from servicekit.ended_sessions import PATH, EndedSessions
from servicekit.personal_tokens import PersonalTokens
from servicekit.settings import EndedSessionsSettings

INTERVAL = 1.0  # seconds between two requests
FIRST_INTERVAL = 0.1  # seconds, until the first answer, because the sidecar may still be starting
TIME_LIMIT = 3.0  # seconds for an answer, with one retry
# A service waits for the first answer when it starts. A longer wait would keep it from starting
# while the user service is down.
START_LIMIT = 1.0  # seconds
_DAYS = 86_400 * 2
_log = structlog.get_logger(__name__)


class _Answer(BaseModel):
    """The answer of the user service."""

    position: int = Field(ge=0, lt=2**63)
    seconds: int = Field(ge=0, le=_DAYS)
    sessions: list[UUID]


class Follower:
    """Asks the user service through `client` for new ended sessions, again and again."""

    def __init__(
        self, client: httpx.AsyncClient, ended: EndedSessions, interval: float = INTERVAL
    ) -> None:
        self._client = client
        self._ended = ended
        self._interval = interval
        self._position = 0
        self._heard = time.monotonic()
        self.knows = asyncio.Event()
        """Is set when the first answer has come."""

    def age(self) -> float:
        """Return the seconds since the last answer; before the first one, since the start."""
        return time.monotonic() - self._heard

    async def run(self) -> None:
        """Ask until cancelled. Log the start of an outage once, and its end once."""
        has_warned = False
        while True:
            try:
                await self._ask()
            except Exception as error:  # of any kind: the next answer may be good
                if not has_warned:
                    _log.warning("cannot ask which sessions have ended", error=_reason(error))
                has_warned = True
            else:
                if has_warned:
                    _log.info("heard again which sessions have ended")
                has_warned = False
            await asyncio.sleep(self._interval if self.knows.is_set() else FIRST_INTERVAL)

    async def _ask(self) -> None:
        async with asyncio.timeout(TIME_LIMIT):
            answer = await self._client.get(PATH, params={"after": self._position})
        answer.raise_for_status()
        news = _Answer.model_validate_json(answer.content)
        self._ended.add(news.sessions, news.seconds)
        self._position = news.position
        self._heard = time.monotonic()
        self.knows.set()


def _reason(error: Exception) -> str:
    match error:
        case ValidationError():  # its text repeats the answer, which can come from anywhere
            return "the answer is not valid"
        case httpx.HTTPStatusError():
            return f"the answer has status {error.response.status_code}"
    return str(error) or type(error).__name__


@asynccontextmanager
async def followed(
    app: FastAPI,
    settings: EndedSessionsSettings,
    transport: httpx.AsyncBaseTransport | None = None,
    interval: float = INTERVAL,
) -> AsyncIterator[None]:
    """Make `servicekit.tokens` refuse the tokens of ended sessions while the block runs.

    The same client checks personal access tokens.

    `transport` carries the calls to the user service; None means the network. `interval` is in
    seconds.
    """
    if settings.user_service_url is None and settings.consul_url is None:
        _log.warning(
            "tokens of ended sessions are accepted until they expire, personal ones never:"
            " neither USER_SERVICE_URL nor CONSUL_URL says where to ask"
        )
        yield
        return
    client = http_client.for_service(
        "user-service", settings.user_service_url, settings, TIME_LIMIT, transport
    )
    app.state.ended_sessions = ended = EndedSessions()
    app.state.personal_tokens = PersonalTokens(client)
    follower = Follower(client, ended, interval)
    _measure(app, follower, ended)
    async with client:
        task = asyncio.create_task(follower.run())
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(follower.knows.wait(), START_LIMIT)
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _measure(app: FastAPI, follower: Follower, ended: EndedSessions) -> None:
    metrics.watch(
        app,
        "ended_sessions_age_seconds",
        "Since the user service last told which sessions have ended",
        follower.age,
    )
    metrics.watch(app, "ended_sessions", "Ended sessions whose tokens may live", lambda: len(ended))
