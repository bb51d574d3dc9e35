"""The call under /api/v1/stats."""

from fastapi import Request, Response

from servicekit.openapi import problems
from servicekit.route_class import DirectRouter
from servicekit.tokens import bearer_token
from stats_service.api.dependencies import ReaderDep, TaskServiceClientDep
from stats_service.api.schemas import StatisticsOut

router = DirectRouter("/api/v1/stats", ["stats"], problems(401, 403, 503))


# The token is checked here, too, so that a bad one costs the task service nothing.
@router.get("/", response_model=StatisticsOut)
async def get_statistics(
    request: Request, _: ReaderDep, task_service: TaskServiceClientDep
) -> Response:
    """Return the figures over the caller's tasks, or 503 while the task service gives none."""
    counts = await task_service.counts(bearer_token(request))
    return Response(counts.model_dump_json(), media_type="application/json")
