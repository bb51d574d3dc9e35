"""Which sessions have ended, known to every service that checks access tokens.

The user service ends sessions and tells of it; each process asks it once a second for what is new,
through the mesh. So an ended session's tokens are refused everywhere within seconds, and no request
waits for a call (docs/decisions/0029-ended-sessions.md).

A user service that is away takes nothing from anybody: what is known goes on counting, and a token
that nobody told of dies when it expires.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import httpx
import structlog
from fastapi import FastAPI
from prometheus_client import Gauge
from pydantic import BaseModel, Field, ValidationError

from servicekit import http_client
from servicekit.ended_sessions import PATH, EndedSessions
from servicekit.personal_tokens import PersonalTokens
from servicekit.settings import EndedSessionsSettings

INTERVAL = 1.0  # seconds between two questions
FIRST_INTERVAL = 0.1  # seconds, until the first answer: the sidecar may be starting, too
TIME_LIMIT = 3.0  # seconds for an answer, with its retry
# A service that starts hears of those that ended before it. Longer would keep it from starting
# where the user service is away.
START_LIMIT = 1.0  # seconds
_DAYS = 86_400 * 2
_log = structlog.get_logger(__name__)


class _Answer(BaseModel):
    """What the user service has to answer."""

    position: int = Field(ge=0, lt=2**63)
    seconds: int = Field(ge=0, le=_DAYS)
    sessions: list[UUID]


class Follower:
    """Asks the user service at the other end of `client` what is new, again and again."""

    def __init__(
        self, client: httpx.AsyncClient, ended: EndedSessions, interval: float = INTERVAL
    ) -> None:
        self._client = client
        self._ended = ended
        self._interval = interval
        self._position = 0
        self._heard = time.monotonic()
        self.knows = asyncio.Event()
        """Set when the first answer has come."""

    def age(self) -> float:
        """Seconds since the user service answered last; before that, since the start."""
        return time.monotonic() - self._heard

    async def run(self) -> None:
        """Ask until cancelled. What goes wrong is logged once, and once when it is well again."""
        complained = False
        while True:
            try:
                await self._ask()
            except Exception as error:  # whatever it is, the next answer may be a good one
                if not complained:
                    _log.warning("cannot ask which sessions have ended", error=_reason(error))
                complained = True
            else:
                if complained:
                    _log.info("heard again which sessions have ended")
                complained = False
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
        case ValidationError():  # its own text repeats the answer, whoever may have made it
            return "the answer makes no sense"
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
    """Have `servicekit.tokens` refuse the tokens of ended sessions while the block runs.

    Over the same client it asks about personal access tokens.

    `transport` carries the calls to the user service; None is the network. `interval` is in
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
    registry = app.state.metrics
    age = Gauge(
        "ended_sessions_age_seconds",
        "Since the user service last told which sessions have ended",
        registry=registry,
    )
    age.set_function(follower.age)
    count = Gauge("ended_sessions", "Ended sessions whose tokens may live", registry=registry)
    count.set_function(lambda: len(ended))
