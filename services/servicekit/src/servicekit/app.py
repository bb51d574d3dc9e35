"""The bare application that each service starts from in its `create_app`."""

from fastapi import FastAPI
from starlette.types import Lifespan

from servicekit import openapi


def create(title: str, version: str, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return a FastAPI application without FastAPI's own documentation pages and redirects."""
    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
        # Nothing collects it, and to check that for each request costs 4 %.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    openapi.install(app)
    app.state.ended_sessions = frozenset()  # until session_follower replaces it
    app.state.personal_tokens = None  # the same
    return app
