"""`/health` tells whether the service can work, and `/health/live` that its process runs."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel

from servicekit.openapi import Responses
from servicekit.patience import Patience

TIME_LIMIT = 4.0  # seconds: Consul waits for five
_log = structlog.get_logger(__name__)


class CheckResult(BaseModel):
    """The result of one check."""

    name: str
    status: Literal["ok", "failing"]
    duration_ms: float
    detail: str | None = None


class Health(BaseModel):
    """Whether the service can do its work, with the result of each check."""

    status: Literal["ok", "failing"]
    service: str
    version: str
    checks: list[CheckResult]


class Live(BaseModel):
    """The process runs."""

    status: Literal["ok"] = "ok"


@dataclass(frozen=True)
class Check:
    """A named check. The probe returns None if all is well, otherwise a sentence for the public.

    With `patience` it goes on to be well while requests wait, too: a probe without an answer fails
    only when that wait has ended.
    """

    name: str
    probe: Callable[[], str | None]
    time_limit: float = TIME_LIMIT  # seconds
    patience: Patience | None = field(default=None, compare=False)
    # One thread per check, so that a probe that hangs never blocks a second one.
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "health"), repr=False, compare=False
    )

    async def run(self) -> CheckResult:
        start = time.perf_counter()
        detail = await self._ask()
        duration = round((time.perf_counter() - start) * 1000, 2)
        status: Literal["ok", "failing"] = "failing" if detail else "ok"
        return CheckResult(name=self.name, status=status, duration_ms=duration, detail=detail)

    async def _ask(self) -> str | None:
        answer = asyncio.get_running_loop().run_in_executor(self._thread, self.probe)
        try:
            detail = await asyncio.wait_for(answer, self.time_limit)
        except TimeoutError:
            return self._unless_waiting(f"no answer within {self.time_limit:g} s")
        except Exception as error:
            # The text may name hosts and accounts, so it goes to the log and not to the public.
            _log.warning("health check failed", check=self.name, error=str(error))
            return self._unless_waiting("the check failed")
        if self.patience:
            self.patience.restore()
        return detail

    def _unless_waiting(self, detail: str) -> str | None:
        return None if self.patience and self.patience.is_left() else detail


def router(service: str, version: str, checks: Sequence[Check] = ()) -> APIRouter:
    """Return a router with GET /health (200, or 503 if a check fails) and GET /health/live."""
    failing: Responses = {503: {"model": Health}} if checks else {}
    routes = APIRouter(tags=["health"])

    @routes.get("/health", response_model_exclude_none=True, responses=failing)
    async def health(response: Response) -> Health:
        """Run all checks now."""
        results = await asyncio.gather(*(check.run() for check in checks))
        well = all(result.status == "ok" for result in results)
        response.status_code = 200 if well else 503
        response.headers["Cache-Control"] = "no-store"
        return Health(
            status="ok" if well else "failing", service=service, version=version, checks=results
        )

    @routes.get("/health/live")
    async def live() -> Live:
        """Answer without any check."""
        return Live()

    return routes
