"""The call under /api/v1/stats."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from servicekit.openapi import problems
from servicekit.route_class import ReadRoute
from servicekit.tokens import Caller, Principal, bearer_token
from stats_service.api.schemas import StatisticsOut
from stats_service.clients.task_service import TaskServiceClient

# Statistics are over tasks, and the task service asks for the same.
Reader = Annotated[Principal, Depends(Caller("tasks:read"))]

router = APIRouter(prefix="/api/v1/stats", tags=["stats"], route_class=ReadRoute)


# The token is checked here, too: a bad one costs the task service nothing.
@router.get("/", response_model=StatisticsOut, responses=problems(401, 403, 503))
async def get_statistics(request: Request, _: Reader) -> Response:
    """The caller's figures. 503 while the task service gives none."""
    task_service: TaskServiceClient = request.app.state.task_service
    counts = await task_service.counts(bearer_token(request))
    return Response(counts.model_dump_json(), media_type="application/json")
