"""One service behind the gateway, as the portal sees it."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from servicekit.health import CheckResult
from servicekit.openapi import with_used_schemas


class BackendUnavailableError(Exception):
    """The service gave no usable answer in time. The text names no address."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="allow")

    paths: dict[str, Any]


@dataclass(frozen=True)
class Backend:
    """The service `name`, which owns all paths under `prefix`.

    `time_limit` is in seconds, for a whole answer with its connection.
    """

    name: str
    prefix: str
    client: httpx.AsyncClient
    time_limit: float

    def owns(self, path: str) -> bool:
        """Tell whether `path` is the prefix or below it."""
        return path == self.prefix or path.startswith(f"{self.prefix}/")

    async def health(self) -> CheckResult:
        """Ask for the service's health. Never raises: no answer means failing."""
        started = time.perf_counter()
        try:
            await self._get("/health")
            detail = None
        except BackendUnavailableError as error:
            detail = str(error)
        return CheckResult(
            name=self.name,
            status="failing" if detail else "ok",
            duration_ms=round((time.perf_counter() - started) * 1000, 2),
            detail=detail,
        )

    async def openapi(self) -> dict[str, Any]:
        """Return the part of the service's OpenAPI document that the gateway routes to it.

        Raises BackendUnavailableError.
        """
        response = await self._get("/openapi.json")
        try:
            document = _Document.model_validate_json(response.content)
        except ValueError as error:
            raise BackendUnavailableError(f"{self.name} gave no OpenAPI document") from error
        routed = {path: item for path, item in document.paths.items() if self.owns(path)}
        # Calls from the page go to the origin that it came from, which is the gateway.
        shown = {**document.model_dump(), "paths": routed, "servers": [{"url": "/"}]}
        return with_used_schemas(shown)

    async def _get(self, path: str) -> httpx.Response:
        try:
            async with asyncio.timeout(self.time_limit):
                response = await self.client.get(path)
        except TimeoutError as error:
            problem = f"did not answer within {self.time_limit:g} s"
            raise BackendUnavailableError(f"{self.name} {problem}") from error
        except httpx.HTTPError as error:
            raise BackendUnavailableError(f"{self.name} cannot be reached") from error
        if not response.is_success:
            raise BackendUnavailableError(f"{self.name} answered {response.status_code}")
        return response
